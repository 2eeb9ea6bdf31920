"""Run the command line: `python -m runner`."""

import gc

if __name__ == "__main__":
    gc.disable()  # a run is short and leaves few cycles; looking for them took a tenth of its time
    from runner.cli.main import main

    try:
        main()
    finally:
        gc.freeze()  # nor at the end
