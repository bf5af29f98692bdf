"""Log lines on who can reach the server, and on what the server can reach for others, where that is not the default."""

import ipaddress

from echoic.compose import open_egress
from echoic.logs import get_logger
from echoic.outbox.mailing import Mailing
from echoic.settings import Settings

MAIL_SERVER_INTERVAL_SECONDS = 86_400.0

logger = get_logger(__name__)


def warn_of_strangers(host: str) -> None:
    """Log a warning where others than this machine can reach the address that the server listens on."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_loopback:
        return
    where = "every address of this machine" if address.is_unspecified else f"the address {address}"
    logger.warning(
        "open_to_the_network",
        why=f"The server listens on {where}, without TLS: keys and recordings can be read on their way.",
        advice="Set ECHOIC_HOST=127.0.0.1 and put a proxy with TLS before it, as docs/deploy.md says; or let a "
        "firewall see to it that only the proxy gets through.",
    )


async def log_mail(mailing: Mailing | None) -> None:
    """Log the mail server, if there is one, and whether it lets this server in. The server starts without it, too."""
    if mailing is None:
        return
    server = mailing.server
    fault = await server.fault()
    if fault is None:
        logger.info("mail_server", host=server.host, port=server.port)
    else:
        advice = "Mails wait meanwhile. Check ECHOIC_SMTP_URL and ECHOIC_SMTP_STARTTLS."
        logger.warning("mail_server_unusable", host=server.host, port=server.port, error=fault, advice=advice)


def log_egress(settings: Settings) -> None:
    """Log the internal networks that audio URLs may reach, and the proxy for audio URLs, if set."""
    if settings.fetch_allowed_networks:
        opened = ", ".join(settings.fetch_allowed_networks)
        logger.warning("internal_addresses_opened_to_audio_urls", allowed=opened)
    proxy = open_egress(settings).proxy
    if proxy is not None:
        logger.info("audio_urls_fetched_through_proxy", proxy=str(proxy), resolves_names=proxy.resolves_names)
