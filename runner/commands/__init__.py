"""The commands, a module for each: its arguments, and the stages that it goes through."""
