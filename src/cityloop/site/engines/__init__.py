"""The embedded engines: where their programs are, as whom they run, what they are told."""
