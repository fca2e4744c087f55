"""The verbs of `isoline`, one file a group: each parses, calls one `Workspace` method and prints what came back."""
