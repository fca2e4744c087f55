"""Files that are not what they should be: read by content, refused without a word of the file or its name."""

import pytest
from format_factories import SECRET

from engine.contract.errors import WorldError
from engine.signal.readers import read_recording


def reader_in(folder):
    """Writes bytes to a file without a suffix and reads it: content decides."""

    def write_and_read(content: bytes):
        path = folder / "zzfile"
        path.write_bytes(content)
        return read_recording(path)

    return write_and_read


def refused(read, content, reason):
    """It is refused for this reason, and neither a planted secret nor the name of the file is told."""
    with pytest.raises(WorldError, match=reason) as told:
        read(content)
    assert SECRET not in str(told.value)
    assert "zzfile" not in str(told.value)
