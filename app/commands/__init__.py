"""The verbs of `isoline`, one file a group. Each parses, calls one `Workspace` method and prints what came back."""
