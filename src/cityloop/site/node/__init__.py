"""The node process: carries what is kept here to the node above, and takes over what the nodes below carry here."""
