"""Run the command line: `python -m runner`."""

import gc

if __name__ == "__main__":
    gc.set_threshold(100_000)  # loading modules and parsing make no cycles; looking for them took a tenth of a run
    from runner.cli import main

    main()
