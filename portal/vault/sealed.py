"""A temporary file that nobody can read: in memory while small, beyond that encrypted on disk.

The key lives in this process alone and the file has no name, so a crash, a backup or a stolen disk
shows nothing of an upload, secrets in it included.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from django.conf import settings
from typing_extensions import Buffer  # collections.abc has it from Python 3.12

IN_MEMORY = 2_621_440  # 2.5 MB
BLOCK = 16


class SealedFile(io.RawIOBase):
    """Written once from beginning to end, then read and sought like any file.

    AES-256 in counter mode (NIST SP 800-38A) can start at any block. Nothing is ever overwritten: two texts
    under one key stream would give each other away. Integrity is the vault's business, not this file's.
    """

    def __init__(self, *, in_memory: int = IN_MEMORY) -> None:
        super().__init__()
        self.size = 0
        self._in_memory, self._position = in_memory, 0
        self._store: IO[bytes] = io.BytesIO()
        self._is_spilled = False
        self._key, self._nonce = os.urandom(32), int.from_bytes(os.urandom(12)) << 32
        self._sealing = self._cipher(0).encryptor()

    @property
    def is_spilled(self) -> bool:
        """Whether the bytes lie on disk, sealed."""
        return self._is_spilled

    def write(self, data: Buffer) -> int:
        """Append; the position of a reader does not matter."""
        piece = bytes(data)
        if not self._is_spilled and self.size + len(piece) > self._in_memory:
            self._spill()
        self._store.seek(self.size)
        self._store.write(self._sealing.update(piece) if self._is_spilled else piece)
        self.size += len(piece)
        return len(piece)

    def readinto(self, buffer: Buffer) -> int:
        """Read from the position, unsealed."""
        view = memoryview(buffer).cast("B")
        skipped = self._position % BLOCK if self._is_spilled else 0
        self._store.seek(self._position - skipped)
        found = self._store.read(skipped + len(view))
        if self._is_spilled and found:
            found = self._cipher((self._position - skipped) // BLOCK).decryptor().update(found)
        count = max(len(found) - skipped, 0)
        view[:count] = found[skipped:]
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the reader."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if origin + offset < 0:
            raise ValueError("before the beginning of the file")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        """Where the reader is."""
        return self._position

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes, at its end."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """The file is gone with it."""
        self._store.close()
        super().close()

    def _cipher(self, block: int) -> Cipher[CTR]:
        # 2^32 blocks of counter are 64 GB; the nonce fills the upper 12 bytes.
        return Cipher(AES(self._key), CTR((self._nonce + block).to_bytes(BLOCK)))

    def _spill(self) -> None:
        folder = Path(settings.PORTAL_DATA) / "spool"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held, self._store = self._store, tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed in close()
        self._is_spilled = True
        held.seek(0)
        self._store.write(self._sealing.update(held.read()))
        held.close()
