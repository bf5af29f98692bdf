"""Every error Echoic raises on purpose, in one tree; it knows no HTTP.

    EchoicError
    ├── InvalidInput          the caller sent something wrong
    ├── NotAuthenticated      no valid key
    ├── NotAllowed            known caller, forbidden act
    ├── NotFound              absent, or to be taken for absent
    ├── Gone                  it was there, and was removed for good
    ├── Conflict              right request, wrong moment
    ├── PreconditionUnmet     what the request takes for granted does not hold
    ├── Busy                  another request is at work there
    ├── ContentDamaged        the bytes are not what the request says they are
    ├── LimitExceeded         larger than allowed
    ├── UrlTooLong            the request's URL is
    ├── HeadTooLarge          the request's head is
    ├── RequestTooSlow        it did not arrive in time
    ├── TooManyRequests       faster than allowed
    ├── RangeNotSatisfiable   bytes beyond the end
    ├── UnsupportedMedia      a kind of content that is not accepted
    ├── SourceUnusable        the URL given cannot be used
    ├── Unavailable           a part is away; trying again makes sense
    ├── StageFailed           a stage of a pipeline run gave up
    ├── StartupFailed         the server cannot start as configured
    └── BackupFailed          a backup cannot be made, or not be used

A class is one situation: its ``code`` (the class name in snake case) is stable and public, its docstring is the
default message. The doors (REST, command line) map families, never single classes, to statuses.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar


class EchoicError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "echoic_error"
    retryable: ClassVar[bool] = False
    """Whether the same act may succeed later without the caller changing anything."""

    details: Mapping[str, object] = MappingProxyType({})
    """Further fields of the answer, for programs."""

    retry_after_seconds: int | None = None
    """When it may, where that is known."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str | None = None) -> None:
        self.message = _presentable(message or (self.__doc__ or "").strip())
        super().__init__(self.message)


# The families.


class InvalidInput(EchoicError):
    """The request is not valid."""


class NotAuthenticated(EchoicError):
    """Invalid or missing API key."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or "Invalid or missing API key")  # as the original has it, without a full stop


class NotAllowed(EchoicError):
    """The API key may not do that."""


class NotFound(EchoicError):
    """There is no such thing."""


class Gone(EchoicError):
    """The thing that was asked for was removed for good."""


class Conflict(EchoicError):
    """The request does not fit the present state."""


class PreconditionUnmet(EchoicError):
    """The request takes something for granted that does not hold."""


class Busy(EchoicError):
    """Another request is at work there; try again shortly."""

    retryable = True
    retry_after_seconds = 2


class ContentDamaged(EchoicError):
    """The bytes are not what the request says they are; send them again."""

    retryable = True


class LimitExceeded(EchoicError):
    """That is larger than allowed."""


class UrlTooLong(EchoicError):
    """The URL of the request is too long."""


class HeadTooLarge(EchoicError):
    """The head of the request is too large."""


class RequestTooSlow(EchoicError):
    """The request did not arrive in time."""

    retryable = True


class TooManyRequests(EchoicError):
    """Too many requests."""

    retryable = True
    retry_after_seconds = 60


class RangeNotSatisfiable(EchoicError):
    """The range asked for lies beyond the end."""


class UnsupportedMedia(EchoicError):
    """That kind of content is not accepted."""


class SourceUnusable(EchoicError):
    """The audio URL cannot be used."""


class Unavailable(EchoicError):
    """A part of the server is not available at the moment; try again shortly."""

    retryable = True


class StageFailed(EchoicError):
    """A stage of the pipeline failed."""


class BackupFailed(EchoicError):
    """A backup or a restore failed."""


class StartupFailed(EchoicError):
    """Echoic cannot start as configured."""


# Keys and access.


class Unauthorized(NotAuthenticated):
    """Invalid or missing API key."""


class SignInRefused(NotAuthenticated):
    """The sign-in name or the password is wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class TooManySignIns(TooManyRequests):
    """Too many tries to sign in; wait before the next one."""

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 60) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class HostNotAllowed(NotAllowed):
    """People sign in under the server's own address only, and on its own machine; set ECHOIC_PUBLIC_URL to the address."""


class OriginNotAllowed(NotAllowed):
    """The request does not come from a page of this server."""


class AdminOnly(NotAllowed):
    """Only an administrator may do that."""


class LastAdministrator(Conflict):
    """Nobody else could administer the installation; make another account an administrator first."""


class AccountOwnsLibraries(Conflict):
    """Libraries would have no owner left; say who shall own them, or that they shall be deleted."""

    def __init__(self, slugs: Sequence[str]) -> None:
        shown = ", ".join(f"'{slug}'" for slug in slugs)
        super().__init__(f"Nobody else owns {shown}: say who shall own them, or that they shall be deleted.")
        self.details = {"libraries": list(slugs)}


class SignInNameTaken(Conflict):
    """Another account signs in by that name already."""


class SignInNameMissing(InvalidInput):
    """The account has no name to sign in with yet; give one."""


class PasswordUnfit(InvalidInput):
    """That password cannot be used."""


class SignInNameReserved(NotAllowed):
    """Names of that kind say who somebody is where people sign in for this server; an administrator may set it, or choose another."""


class AccountLocked(NotAllowed):
    """The account is locked; ask an administrator."""


class AccountMissing(NotAllowed):
    """You have no account here; ask for an invitation."""


class EmailNotAllowed(NotAllowed):
    """Your e-mail address is none of those that are let in."""


class OidcNotSetUp(NotFound):
    """People do not sign in by OpenID Connect here."""


class OidcRefused(NotAllowed):
    """The provider did not let you in, or you broke off."""


class OidcAnswerInvalid(NotAllowed):
    """The answer of the provider cannot be used."""


class InvitationNotFound(NotFound):
    """There is no such invitation; it ran out, was used up, or was revoked."""


class SessionNotFound(NotFound):
    """There is no such session; it may have ended."""


class Forbidden(NotAllowed):
    """You may see this dataset but not upload to it."""


class OriginalWithheld(NotAllowed):
    """The dataset hides some kinds of things from your role, and the answer would show them."""


class ScopeMissing(NotAllowed):
    """The API key lacks the scope this call needs."""


class QuotaExhausted(NotAllowed):
    """The minutes of the account's plan are used up for this month."""


class StorageExhausted(NotAllowed):
    """The account stores as much as its plan allows; delete items to make room."""


class KeyLimitReached(NotAllowed):
    """The account has as many API keys as its plan allows."""


class UploadLimitReached(NotAllowed):
    """The account has as many unfinished resumable uploads as it may; finish or give up one of them."""


class RateLimited(TooManyRequests):
    """Too many requests."""

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 60) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PlanUnknown(Unavailable):
    """The account's plan is not among those of this server; its operator has to add it."""

    retryable = False


class DatasetNotFound(NotFound):
    """Dataset not found."""


class LibraryNotFound(NotFound):
    """Library not found."""


class FeedNotFound(NotFound):
    """The dataset has no feed."""


class PublishedTextNotFound(NotFound):
    """The item has no such text of its publisher."""


class SourceNotFound(NotFound):
    """The dataset has no such source."""


class ItemNotFound(NotFound):
    """Item not found."""


class AccountNotFound(NotFound):
    """Account not found."""


class IdentityNotFound(NotFound):
    """The account has no such identity at a provider or a proxy."""


class MemberNotFound(NotFound):
    """That account is no member of the library."""


class LegalHold(Conflict):
    """An item or a dataset is under legal hold, and cannot be deleted."""


class SlugTaken(Conflict):
    """Another library has that slug already."""


class LibraryNotEmpty(Conflict):
    """The library still holds datasets."""


class LastOwner(Conflict):
    """The library would have no owner left; make somebody else an owner first."""


class EntityNotFound(NotFound):
    """There is no such entity, or no recording that you may read names it."""


class EntityNameTaken(Conflict):
    """The library has another entity of that name; merge the two."""


class DecisionNotFound(NotFound):
    """The library has no such decision about its entities."""


class DecisionOverridden(Conflict):
    """The decision was undone, or a later one says otherwise about the same names; undo that first."""


class SpeakerNotFound(NotFound):
    """There is no such speaker."""


class SpeakerNameTaken(Conflict):
    """The library knows somebody by that name already."""


class VoiceUnclear(InvalidInput):
    """The clip must hold at least 3 seconds of one voice, and of no other."""


class KeyNotFound(NotFound):
    """API key not found."""


class WebhookNotFound(NotFound):
    """There is no such webhook."""


class WebhookUrlInvalid(InvalidInput):
    """The url must be an address that begins with https://."""


class WebhookLimitReached(NotAllowed):
    """The account has as many webhooks as it may; delete one first."""


class WebhookDisabled(Conflict):
    """The webhook is disabled; enable it first."""


class AlertNotFound(NotFound):
    """There is no such alert."""


class AlertLimitReached(NotAllowed):
    """The account has as many alerts as it may; delete one first."""


class EmailNotSetUp(InvalidInput):
    """No e-mail is sent by this server; its operator can set ECHOIC_SMTP_URL."""


class EmailAddressInvalid(InvalidInput):
    """That is no e-mail address that mail can be sent to."""


class EmailAddressNotFound(NotFound):
    """There is no such e-mail address."""


class EmailAddressConfirmed(Conflict):
    """The e-mail address is confirmed already."""


class EmailAddressLimitReached(NotAllowed):
    """The account has as many e-mail addresses as it may; delete one first."""


class MailLinkInvalid(NotFound):
    """The link is wrong, has run out or was used."""


class DeletionNotFound(NotFound):
    """There is no such receipt of a deletion."""


class DeliveryNotFound(NotFound):
    """There is no such delivery; those that ended are kept for 30 days."""


class DeliveryUnderWay(Conflict):
    """The message is still to be sent."""


class SecretUnreadable(Unavailable):
    """The secret was sealed with a key that is no longer there; rotate it."""

    retryable = False


class BlobNotFound(NotFound):
    """The stored bytes are missing."""


class AudioRemoved(Gone):
    """The audio of this item was removed at its deadline; its transcript, if it has one, stays."""


class TranscriptRemoved(Gone):
    """The transcript of this item was removed at its deadline; its audio, if it has any, stays."""


# Programs that people connect by OAuth. The codes of the first ones are those of the protocol (RFC 6749, 7591, 8707).


class InvalidRequest(InvalidInput):
    """The request lacks a parameter, or has one twice or one that cannot be read."""


class InvalidClient(NotAuthenticated):
    """The client is not known here, or its secret is wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class InvalidGrant(InvalidInput):
    """The code or the token is wrong, was used, ran out, was revoked, or is another client's."""


class UnauthorizedClient(InvalidInput):
    """The client did not register for this way of getting tokens."""


class UnsupportedGrantType(InvalidInput):
    """Tokens are given for codes and refresh tokens only: authorization_code, refresh_token."""


class UnsupportedResponseType(InvalidInput):
    """Clients are answered with a code only: response_type=code."""


class InvalidScope(InvalidInput):
    """None of the scopes asked for can be given."""


class InvalidTarget(InvalidInput):
    """Tokens are given for the resource of this server only."""


class InvalidRedirectUri(InvalidInput):
    """A redirect address cannot be used."""


class InvalidClientMetadata(InvalidInput):
    """A field of the client's description cannot be used."""


class OauthNotSetUp(NotFound):
    """No program can be connected here: the server does not know its own address; set ECHOIC_PUBLIC_URL."""


class ProgramUnknown(NotFound):
    """No program has registered under this client_id; have the program connect once more."""


class ProgramUnusable(InvalidInput):
    """The program's description of itself cannot be used."""


class ProgramNotFound(NotFound):
    """There is no such connected program; it may have been disconnected."""


# Uploads: the body and its fields.


class MultipartMalformed(InvalidInput):
    """The multipart body is malformed."""


class AudioPartMissing(InvalidInput):
    """The form has no file part named 'audio'."""


class AudioPartRepeated(InvalidInput):
    """The form has more than one part named 'audio'; send one file per request."""


class AudioEmpty(InvalidInput):
    """The audio file is empty."""


class FieldInvalid(InvalidInput):
    """A field of the request is not valid."""


class TranscriberNotOffered(FieldInvalid):
    """The server does not offer that transcriber."""


class TranslationNotOffered(FieldInvalid):
    """The transcriber cannot translate into English."""


class FieldNotUtf8(FieldInvalid):
    """A field of the request is not encoded in UTF-8."""


class FieldTypeInvalid(FieldInvalid):
    """A field of the request has the wrong type."""


class TitleTooLong(FieldInvalid):
    """The title is too long."""


class DescriptionTooLong(FieldInvalid):
    """The description is too long."""


class JsonMalformed(InvalidInput):
    """The body is not valid JSON."""


class JsonNotObject(InvalidInput):
    """The JSON body is not an object."""


class ValueNotStorable(InvalidInput):
    """Some value cannot be stored: a number that is not finite, or text with NUL characters or half a surrogate pair."""


class AudioUrlInvalid(InvalidInput):
    """audio_url must be an https:// URL."""


class AudioUrlMissing(InvalidInput):
    """The JSON body has no audio_url."""


class AudioUrlNotHttps(AudioUrlInvalid):
    """audio_url must begin with https://."""


class AudioUrlHasCredentials(AudioUrlInvalid):
    """audio_url must not hold a user name or password."""


class MetadataRequired(InvalidInput):
    """The dataset requires a title and a description."""


class DatasetRejectsUploads(InvalidInput):
    """The dataset does not accept uploads."""


class DigestMismatch(InvalidInput):
    """The bytes that arrived are not those that the request's digest is of."""


class IdempotencyKeyReused(Conflict):
    """The idempotency key belongs to a request that asked another thing; use a new key for every upload."""


class IdempotencyKeyRunning(Conflict):
    """The first request with this idempotency key is still under way."""

    retryable = True
    retry_after_seconds = 5


class DatasetElsewhere(Conflict):
    """The dataset belongs to another library; an item moves within its own, whose people and voices it knows."""


class DuplicateItem(Conflict):
    """The dataset holds an item with these bytes already."""

    def __init__(self, item_id: int) -> None:
        super().__init__(f"The dataset holds these bytes already, as item {item_id}.")
        self.item_id = item_id
        self.details = {"item_id": item_id}


class RequestMalformed(InvalidInput):
    """That is not a valid HTTP/1.1 request."""


class HeadTimedOut(RequestTooSlow):
    """The head of the request was not complete in time."""


class ClientDisconnected(InvalidInput):
    """The client went away before the upload was complete."""


class BodyTimedOut(InvalidInput):
    """No data arrived for too long; the request was given up."""


class FileTooLarge(LimitExceeded):
    """The file exceeds the size cap."""


class RequestTooLarge(LimitExceeded):
    """The request body is too large."""


class UnsupportedRequestType(UnsupportedMedia):
    """Send multipart/form-data or application/json."""


class ContentEncodingUnsupported(UnsupportedMedia):
    """The body must be sent as it is: without the header Content-Encoding, or with 'identity' in it."""


class FormatNotAllowed(UnsupportedMedia):
    """The file extension is not in the dataset's list of allowed formats."""


class NotAudio(UnsupportedMedia):
    """The file holds no audio that can be decoded."""


# Uploads that can be resumed.


class UploadNotFound(NotFound):
    """There is no such upload; it may have expired."""


class UploadLinkNotFound(NotFound):
    """There is no such upload link, or it ran out; ask for another one."""


class ShareNotFound(NotFound):
    """There is no such link; it may have run out, been revoked, or lead to nothing any more."""


class SharePasswordNeeded(NotAllowed):
    """Links with a password are for people who know it; open the link in a browser and give it."""


class SharePasswordWrong(NotAllowed):
    """That is not the password of this link."""


class ShareUnfit(InvalidInput):
    """A link cannot be made of that."""


class UploadLinkUsed(Conflict):
    """A recording came in by this upload link already; ask for another one."""


class UploadOffsetMismatch(Conflict):
    """The upload does not stand at that Upload-Offset; ask for its offset with HEAD and go on from there."""

    def __init__(self, expected: int, provided: int) -> None:
        super().__init__(f"The upload stands at {expected}; go on from there.")
        self.expected, self.provided = expected, provided


class UploadLengthInconsistent(InvalidInput):
    """The length of the upload is not the one that is known of it."""


class UploadCompleted(InvalidInput):
    """The upload is complete; it takes no more bytes."""


class UploadStalled(Conflict):
    """No data arrived for too long; ask for the upload's offset with HEAD and go on from there."""


class UploadLengthExceeded(LimitExceeded):
    """There are more bytes than the upload's length says."""


class UploadPartsTooMany(LimitExceeded):
    """The upload came in too many pieces; begin again with larger ones."""


class UploadLocked(Busy):
    """Another request is at work on this upload; try again shortly."""


class ChecksumMismatch(ContentDamaged):
    """The bytes do not have the given Upload-Checksum; nothing of them was kept."""


class TusExtensionNotOffered(InvalidInput):
    """The server does not offer that extension of the tus protocol."""


class TusVersionUnsupported(PreconditionUnmet):
    """Send the header 'Tus-Resumable: 1.0.0'; it is the version of the protocol spoken here."""


# Uploads: fetching a URL.


class UrlUnreachable(SourceUnusable):
    """The audio URL could not be reached."""


class UrlUnresolvable(UrlUnreachable):
    """The host name of the audio URL could not be resolved."""


class UrlTlsFailed(UrlUnreachable):
    """No secure connection to the host of the audio URL could be made."""


class UrlForbidden(SourceUnusable):
    """The audio URL points to an address that is not allowed."""


class UrlAnswerUnusable(SourceUnusable):
    """The audio URL did not answer with a usable file."""


class UrlStatusUnusable(UrlAnswerUnusable):
    """The audio URL answered with an error status."""


class UrlRedirectInvalid(UrlAnswerUnusable):
    """The audio URL redirects to something that is not an https:// URL."""


class UrlRedirectsTooMany(UrlAnswerUnusable):
    """The audio URL redirects too often."""


class UrlEncoded(UrlAnswerUnusable):
    """The audio URL answered with compressed content, although it was asked not to."""


class UrlTimedOut(SourceUnusable):
    """The audio URL took too long."""


class SourceNotAllowed(InvalidInput):
    """Recordings of this library may not be taken from there; the operator of the server decides that."""


class SourceUnreachable(InvalidInput):
    """The folder or the bucket cannot be read."""


class SourceNotWritable(InvalidInput):
    """The server cannot write there."""


class SourceTooLarge(InvalidInput):
    """The folder or the bucket holds more files than can be looked at in one go."""


class TooManySources(Conflict):
    """The dataset has as many sources as it may."""


class WatchedFileUnreadable(InvalidInput):
    """The file cannot be read."""


class FileMetadataInvalid(InvalidInput):
    """The metadata beside the file cannot be used."""


class FeedUnusable(SourceUnusable):
    """The address does not answer with a feed that can be read."""


class FeedGone(FeedUnusable):
    """The feed is gone for good, by the word of its host."""


class FeedLoginRequired(FeedUnusable):
    """The feed wants a user name and a password that fit; give its address with them."""


class FeedAskedTooOften(FeedUnusable):
    """The feed's host was asked too often, or is overloaded."""


class FeedMalformed(FeedUnusable):
    """The feed is not well-formed XML."""


class FeedDtdRefused(FeedUnusable):
    """The feed has a document type (DTD), with which entities could come; it is not read."""


class FeedTooDeep(FeedUnusable):
    """The feed's elements are nested more than a hundred deep."""


class FeedTooLarge(FeedUnusable):
    """The feed is larger than is read of one."""


class PublishedTextUnusable(SourceUnusable):
    """The publisher's text cannot be used."""


class PublishedTextTooLarge(PublishedTextUnusable):
    """The publisher's text is larger than is kept of one."""


class PublishedTextUnreadable(PublishedTextUnusable):
    """The publisher's text is of no form that can be read."""


# Reading.


class NotPublished(Conflict):
    """The item is not published yet."""


class PeaksUnderWay(Busy):
    """The waveform of this recording is being made; ask again shortly."""

    retry_after_seconds = 5


class MutingBusy(Busy):
    """Recordings are being muted for as many readers as the server can at once; ask again shortly."""

    retry_after_seconds = 5


class PeaksNotFound(NotFound):
    """There is no waveform of this recording, because its sound cannot be read."""


class ChaptersNotWritten(Conflict):
    """No language model may write about this recording."""


class TranscriptChanged(Conflict):
    """Somebody else has changed the transcript meanwhile; read it again."""

    def __init__(self, version: int) -> None:
        super().__init__(f"The transcript has been changed meanwhile: it is at version {version}; read it again.")
        self.details = {"version": version}


class SegmentNotFound(NotFound):
    """The transcript has no such segment."""


class VersionNotFound(NotFound):
    """The transcript has no such version."""


class RunActive(Conflict):
    """The item is being processed already."""


class TranscriptionCancelled(Conflict):
    """The transcription was cancelled."""


class SpeakersNotTold(StageFailed):
    """The speakers could not be told apart."""


class RunNotActive(Conflict):
    """The item is not being processed."""


class QueryInvalid(InvalidInput):
    """The search query is not valid."""


# Parts that may be away.


class DatabaseUnavailable(Unavailable):
    """The database is not available at the moment; try again shortly."""


class ServerStopping(Unavailable):
    """The server is about to stop; what was sent is safe, and sending it again shortly gets the result."""


class ServerBusy(Unavailable):
    """The server has as many connections as it may; try again shortly."""


class StorageUnavailable(Unavailable):
    """The storage is not available at the moment; try again shortly."""


class OidcUnavailable(Unavailable):
    """The provider that people sign in with cannot be reached."""


class FetchProxyUnavailable(Unavailable):
    """Files cannot be fetched from URLs at the moment; try again shortly."""


class DecoderUnavailable(Unavailable):
    """The file could not be examined, for a reason that does not lie in it; try again shortly."""


class ChatUnavailable(Unavailable):
    """The language model does not answer at the moment."""


class ChatBusy(ChatUnavailable):
    """The language model is writing other answers; ask again shortly."""


class ChatRefused(ChatUnavailable):
    """The language model's endpoint refuses what this server sends."""

    retryable = False


class ChatFailed(ChatUnavailable):
    """The language model's endpoint answered with something that cannot be used."""


class ChatAnswerCut(ChatUnavailable):
    """The answer of the language model has reached the most tokens that the server allows."""

    retryable = False


class SearchUnavailable(Unavailable):
    """Search by words is not available at the moment; try again shortly."""


class SearchCopyIncomplete(Unavailable):
    """Some items are still to be copied to OpenSearch."""


class SearchItemsRefused(Unavailable):
    """OpenSearch lacks a part of some items: searches do not find what is said there."""


class SearchCopyHeldBack(Unavailable):
    """A new index in OpenSearch is not put to use: it lacks a part of too many items."""


class SemanticSearchUnavailable(Unavailable):
    """Search by meaning is not available: the database lacks the 'vector' extension."""

    retryable = False


# Pipeline runs. A stage that raises one of these says whether trying again makes sense.


class MediaUnreadable(StageFailed):
    """The file could not be decoded."""


class MediaTooLong(StageFailed):
    """The recording is longer than allowed."""


class MediaLimitHit(StageFailed):
    """Decoding used more time or memory than allowed."""


class DecoderLost(StageFailed):
    """The process that decodes ended for a reason outside of the file; it is tried again."""

    retryable = True


class DecoderNotStarted(DecoderLost):
    """The decoder does not start on the machine that took the recording; it is tried again."""


class ModelMissing(StageFailed):
    """The model is not on this machine and could not be fetched."""


class LanguageUnsupported(StageFailed):
    """The transcription model does not know this language."""


class EngineFailed(StageFailed):
    """The engine failed on this recording."""

    retryable = True


class EngineUnreachable(EngineFailed):
    """The machine that transcribes does not answer at the moment; it is asked again."""


class EngineRefused(EngineFailed):
    """The engine would refuse this recording every time."""

    retryable = False


class StageCrashed(StageFailed):
    """The process that ran the stage ended unexpectedly."""

    retryable = True


class WorkersLost(StageFailed):
    """Worker after worker went away while it ran the stage."""


class StageInternalError(StageFailed):
    """An unexpected error; the server's log has the details."""

    retryable = True


# Starting up.


class PostgresNotFound(StartupFailed):
    """No PostgreSQL binaries were found."""


class PostgresFailed(StartupFailed):
    """The embedded PostgreSQL did not start."""


class PostgresMemoryHeld(PostgresFailed):
    """Processes left over from a killed PostgreSQL still hold its memory."""


class ExtensionMissing(StartupFailed):
    """The database lacks an extension that Echoic needs."""


class EncodingUnfit(StartupFailed):
    """The database has an encoding that does not hold every text; Echoic needs UTF8."""


class DataDirUnusable(StartupFailed):
    """The data folder cannot be used."""


class DecoderUnusable(StartupFailed):
    """Recordings cannot be decoded on this machine."""


class EngineUnknown(StartupFailed):
    """There is no engine of that name."""


class AlreadyRunning(StartupFailed):
    """Another Echoic is running on this data folder."""


class SettingInvalid(StartupFailed):
    """A setting cannot be used."""


class NotRunning(StartupFailed):
    """No Echoic server is running on this data folder; start one with 'echoic serve'."""


class DatabaseNotReady(StartupFailed):
    """The database was not ready in time; try again."""

    retryable = True


class RoleNotOwner(StartupFailed):
    """The role of the database may not change its schema."""


class SchemaNewer(StartupFailed):
    """A newer version of Echoic has upgraded the database; start that version."""


class SchemaOutdated(StartupFailed):
    """The database schema does not match this version; run 'echoic db upgrade'."""


def _presentable(message: str) -> str:
    """A message may repeat what a library or a file says; here go the characters that neither UTF-8 nor a database takes."""
    return message.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def all_errors() -> dict[str, type[EchoicError]]:
    """Every class of the tree by its code."""
    found: dict[str, type[EchoicError]] = {}
    waiting: list[type[EchoicError]] = [EchoicError]
    while waiting:
        error = waiting.pop()
        found[error.code] = error
        waiting.extend(error.__subclasses__())
    return found


# Backups, by commands on the machine itself.


class BackupNotFound(BackupFailed):
    """There is no such backup."""


class BackupUnderWay(BackupFailed):
    """Another backup of this installation is being made; one is made at a time."""


class BackupDamaged(BackupFailed):
    """The backup is not what its manifest says."""


class BackupUnfit(BackupFailed):
    """The backup cannot be used here."""


class InstallationNotEmpty(BackupFailed):
    """There is an installation already; a backup is restored into an empty one only."""
