"""Every error that astrarium raises on purpose.

AstrariumError
├── SourceError          a base or adapter that cannot be found, reached or read
│   ├── NotFoundError    nothing of that name: not a folder, not a file, not on the hub
│   ├── GatedError       the hub wants terms accepted, or a login, first
│   ├── OfflineError     the hub cannot be reached and the cache does not hold it
│   └── CorruptFileError truncated, or a header that promises more than the file holds
├── AdapterError         an adapter that does not fit: method, site, key, shape or base
├── DataError            rows that cannot be read or made; names the file and the line
├── TextError            a prompt, template or token that cannot be used
├── MethodError          an unknown method or recipe, or one that the base has no sites for
├── EngineError          weights, a request or a processor that the engine cannot use
├── TuneError            a training that cannot start or go on
│   └── StoppedError     a training that was asked to stop, and can be resumed
├── ExplainError         a script that cannot be read: no text, no Python, too long
├── BenchError           an unknown bench, or a contestant that failed
├── ReportError          an article that cannot be written
└── PluginError          the installed peft is not one that astrarium can extend

A message names the thing, the value found, what was expected, and what to do.
"""


class AstrariumError(Exception):
    """Base of all errors that astrarium raises on purpose. The command line prints it as one line and exits with 1.

    Names out of files may hold line breaks and control characters; a message holds them escaped.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in str(message)))


class SourceError(AstrariumError):
    """A base model or an adapter cannot be found, reached or read."""


class NotFoundError(SourceError):
    """Nothing of that name exists where it was looked for."""


class GatedError(SourceError):
    """The hub wants terms accepted, or a login, before it gives the files out."""


class OfflineError(SourceError):
    """The hub cannot be reached and its cache does not hold the files."""


class CorruptFileError(SourceError):
    """A file is truncated, or its header promises more than the file holds."""


class AdapterError(AstrariumError, ValueError):
    """An adapter does not fit its base: an unknown method or kind, a site without a match, a missing or misshapen key.

    It is a `ValueError` too, because peft's callers expect one from a tuner.
    """


class DataError(AstrariumError):
    """Rows cannot be read or made. The message names the file and the line."""


class TextError(AstrariumError):
    """A prompt, a template or a token cannot be used."""


class MethodError(AstrariumError):
    """A method or recipe is unknown, or the base has no sites for it."""


class EngineError(AstrariumError):
    """Weights, a request or a processor that the engine cannot use."""


class TuneError(AstrariumError):
    """A training cannot start or go on."""


class StoppedError(TuneError):
    """A training was asked to stop; its checkpoint is there to go on from."""


class ExplainError(AstrariumError):
    """A script cannot be read: it is no text, no Python, or too long."""


class BenchError(AstrariumError):
    """A bench is unknown, or a contestant cannot take part."""


class ReportError(AstrariumError):
    """An article cannot be written: there is nothing to report on, or a source lacks what it is cited for."""


class PluginError(AstrariumError):
    """The installed peft is not one that astrarium can extend."""
