"""The one object that window, command line and scripts talk to. A facade without logic of its own."""
