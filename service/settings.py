"""What the service is started with. Every limit stands here."""

from dataclasses import dataclass, field
from pathlib import Path

from recognizer.errors import UsageError
from recognizer.vision.frame import Limits

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes in bytes and pixels, times in seconds. UsageError for what cannot be."""

    data_dir: Path
    database: str | None = None
    """A PostgreSQL URL; by default a SQLite file in ``data_dir``."""
    photos: str | None = None
    """Where photos are kept: any fsspec URL; by default a folder in ``data_dir``."""
    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = False
    """Everybody may do everything without a key, as long as no key exists; on a loopback address only."""
    models_dir: Path | None = None
    max_body: int = 64 * 2**20
    max_photo: int = 24 * 2**20
    max_pixels: int = 50_000_000
    max_photos: int = 8
    """In one upload."""
    workers: int = 2
    """Photos that are read at the same time."""
    waiting: int = 8
    """Uploads that wait for a worker; any more are told to come back."""
    receiving: int = 64
    """Requests with a body at the same time."""
    per_minute: int = 600
    """Requests of one key; live capture sends some five frames a second."""
    silence: float = 15.0
    """How long a client may send nothing, or take nothing of its answer."""
    longest_body: float = 120.0
    retry_after: int = 2
    """What somebody turned away is told to wait."""
    keep_photos_days: int | None = None
    """Photos received longer ago are deleted once a day, readings never; by default photos are kept for ever."""
    webhook_urls: tuple[str, ...] = ()
    """Who is told of every concluded reading; off by default."""
    webhook_secret: str = field(default="", repr=False)
    webhook_private: bool = False
    """Whether webhooks may go to addresses that are not public."""
    mqtt_url: str | None = field(default=None, repr=False)
    """A broker for Home Assistant, as ``mqtt://user:password@host``; off by default."""

    def __post_init__(self) -> None:
        if self.demo and self.host not in LOOPBACK:
            raise UsageError(f"the open demo mode is for this machine only, not for {self.host}: create a key instead")
        smallest = min(self.max_body, self.max_photo, self.max_pixels, self.max_photos, self.workers, self.per_minute)
        if smallest < 1 or self.waiting < 0 or self.receiving < 1 or min(self.silence, self.longest_body) <= 0:
            raise UsageError("limits are above zero")

        if self.keep_photos_days is not None and not 1 <= self.keep_photos_days <= 36500:
            raise UsageError(f"photos are kept for 1 to 36500 days, or for ever, not for {self.keep_photos_days}")

    @property
    def store(self) -> str:
        return self.database or str(self.data_dir / "readings.db")

    @property
    def limits(self) -> Limits:
        """What of a photo is refused before it is decoded."""
        return Limits(max_bytes=self.max_photo, max_pixels=self.max_pixels)
