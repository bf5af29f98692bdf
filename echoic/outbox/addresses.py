"""The addresses of webhooks: read as those of recordings are, and kept from what only this server can reach."""

from echoic.errors import AudioUrlInvalid, UrlForbidden, WebhookUrlInvalid
from echoic.intake.audio_url import AudioUrl, parse_audio_url
from echoic.intake.egress import Egress
from echoic.intake.networks import check_address, parse_address


def checked_url(text: str, egress: Egress) -> AudioUrl:
    """Read an address that somebody wants to be told at. Raises WebhookUrlInvalid.

    A name is resolved and checked at every attempt only: what it leads to may change.
    """
    try:
        url = parse_audio_url(text)
    except AudioUrlInvalid as error:
        raise WebhookUrlInvalid(error.message.replace("audio_url", "url").replace("audio URL", "URL")) from error
    literal = parse_address(url.host)
    if literal is not None and url.host not in egress.allowed.hosts:
        try:
            check_address(literal, egress.allowed)
        except UrlForbidden as error:
            raise WebhookUrlInvalid(
                "The url leads to an address that is not public. The operator of this server can allow it by "
                "ECHOIC_FETCH_ALLOWED_NETWORKS."
            ) from error
    return url
