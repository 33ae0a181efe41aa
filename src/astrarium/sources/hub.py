"""The Hugging Face hub, through huggingface_hub: its cache, its login, its endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from astrarium.core.errors import GatedError, NotFoundError, OfflineError, SourceError
from astrarium.sources.folder import INDEX, SINGLE, FolderSource, shard_names

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja")
_OF_OTHERS = ("*/*.json", "*/*.txt", "*/*.model")  # folders of exports and checkpoints
_UNAUTHORISED = (401, 403)
_PATIENCE_S = 10


def may_be_hub_id(name: str) -> bool:
    """Whether a name has the form of a hub id: `name` or `owner/name`."""
    return _HUB_ID.fullmatch(name) is not None and ".." not in name and "--" not in name


class HubSource(FolderSource):
    """A base model on the hub. The small files come at once, the weights when they are first asked for."""

    def __init__(self, name: str, revision: str | None) -> None:
        super().__init__(name, "hub", fetch_small_files(name, revision))
        # The commit, so that a branch that moves meanwhile cannot mix two models.
        self._revision = self.path.name

    def weight_files(self) -> list[Path]:
        """Fetch the weights, where the cache does not hold them, and give the files."""
        for form in ("safetensors", "bin"):
            if fetch(self.name, SINGLE[form], self._revision, optional=True) is not None:
                return super().weight_files()
            index = self.path / INDEX[form]
            if index.is_file():
                for shard in shard_names(index):
                    fetch(self.name, shard, self._revision)
                return super().weight_files()
        if not reachable():
            fetch(self.name, SINGLE["safetensors"], self._revision)
        return super().weight_files()


def fetch_small_files(name: str, revision: str | None) -> Path:
    """Fetch configuration and tokenizer of a repository, no code and no weights.

    Returns:
        The folder in the hub's cache.

    Raises:
        SourceError: see `open_base`.
    """
    from huggingface_hub import snapshot_download

    # config.json by itself first: its absence, and every refusal, has an error of its own.
    config = fetch(name, "config.json", revision, optional=True)
    with hub_errors(name):
        return Path(
            snapshot_download(
                name,
                revision=revision if config is None else config.parent.name,
                allow_patterns=list(_SMALL_FILES),
                ignore_patterns=list(_OF_OTHERS),
                local_files_only=not reachable(),
            )
        )


def fetch(name: str, file: str, revision: str | None, *, optional: bool = False) -> Path | None:
    """Fetch one file, or find it in the cache. None where the repository does not have it.

    Args:
        name: hub id.
        file: its path in the repository.
        revision: a branch, tag or commit.
        optional: whether a file that the cache lacks is None while the hub cannot be reached, instead of an error.

    Raises:
        SourceError: see `open_base`.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        with hub_errors(name):
            return Path(hf_hub_download(name, file, revision=revision, local_files_only=not reachable()))
    except EntryNotFoundError:
        return None
    except OfflineError:
        if optional and not reachable():
            return None
        raise


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Turn huggingface_hub's errors into ours. A file that a repository lacks passes through."""
    from huggingface_hub import constants, errors

    where = constants.ENDPOINT
    try:
        yield
    except errors.GatedRepoError as error:
        raise _gated(name, where) from error
    except errors.RepositoryNotFoundError as error:
        raise NotFoundError(
            f"there is no {name}: no such folder or file, and no such repository at {where} "
            "(a private one answers the same without a login: hf auth login)"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NotFoundError(f"{name} at {where} has no such revision: {_first_line(error)}") from error
    except errors.LocalEntryNotFoundError as error:
        raise _offline(name, where, constants.HF_HUB_CACHE) from error
    except errors.EntryNotFoundError:
        raise
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in _UNAUTHORISED:
            raise _gated(name, where) from error
        raise OfflineError(f"{where} answered {status} when asked for {name}; try again later") from error
    except (errors.OfflineModeIsEnabled, _http_error(), ConnectionError, TimeoutError) as error:
        raise _offline(name, where, constants.HF_HUB_CACHE) from error
    except OSError as error:
        raise SourceError(
            f"{name} cannot be kept in the cache {constants.HF_HUB_CACHE}: {_first_line(error)}"
        ) from error
    except errors.HFValidationError as error:
        raise NotFoundError(f"{name!r} is no folder or file, and no hub id: {_first_line(error)}") from error


@cache
def reachable() -> bool:
    """Whether the hub answers at all. Asked once: huggingface_hub would try each file for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE_S)
    except (_http_error(), OSError):
        return False
    return True


def _http_error() -> type[Exception]:
    """The base of all errors of huggingface_hub's HTTP client, whichever client that is."""
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__[1:] if base.__name__ == "HTTPError")


def _gated(name: str, where: str) -> GatedError:
    return GatedError(
        f"{name} is gated: open {where}/{name}, accept its terms, then log in with `hf auth login` (or set HF_TOKEN)"
    )


def _offline(name: str, where: str, cache: str) -> OfflineError:
    return OfflineError(
        f"there is no path {name} here, nor is it in the cache {cache}, and {where} cannot be reached; "
        "connect, set HF_ENDPOINT to a mirror, or name a folder"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
