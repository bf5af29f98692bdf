"""The words of the pages that the server renders, in the languages of the browser's page. Pure."""

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "code": "en",
    "shared": "Shared with Echoic",
    "from_to": "{start} to {end} of the recording",
    "moments": "{count} moments found for “{query}”",
    "moment": "1 moment found for “{query}”",
    "redacted": "Parts of it are hidden.",
    "listen": "Listen",
    "voice": "Speaker {number}",
    "text": "What is said",
    "nothing_said": "Nothing is said here.",
    "until": "This link works until {moment} UTC.",
    "password_title": "This link has a password",
    "password_hint": "The person who gave you the link knows it.",
    "password": "Password",
    "open": "Open",
    "password_wrong": "That is not the password.",
    "password_wait": "Too many tries; wait a minute.",
    "gone_title": "There is nothing here",
    "gone": "The link is wrong, has run out or was revoked. Ask the person who gave it to you.",
}
GERMAN: Mapping[str, str] = {
    "code": "de",
    "shared": "Geteilt mit Echoic",
    "from_to": "{start} bis {end} der Aufnahme",
    "moments": "{count} Stellen zu „{query}“",
    "moment": "1 Stelle zu „{query}“",
    "redacted": "Teile davon sind verborgen.",
    "listen": "Anhören",
    "voice": "Sprecher {number}",
    "text": "Was gesagt wird",
    "nothing_said": "Hier wird nichts gesagt.",
    "until": "Dieser Link gilt bis {moment} UTC.",
    "password_title": "Dieser Link hat ein Passwort",
    "password_hint": "Wer Ihnen den Link gegeben hat, kennt es.",
    "password": "Passwort",
    "open": "Öffnen",
    "password_wrong": "Das ist nicht das Passwort.",
    "password_wait": "Zu viele Versuche; warten Sie eine Minute.",
    "gone_title": "Hier ist nichts",
    "gone": "Der Link ist falsch, abgelaufen oder widerrufen. Fragen Sie die Person, von der Sie ihn haben.",
}


def words_for(accept_language: str) -> Mapping[str, str]:
    """Return the words for a browser that sends this header: German where that comes before English, else English."""
    for part in accept_language.lower().split(","):
        code = part.partition(";")[0].strip().partition("-")[0]
        if code in ("de", "en"):
            return GERMAN if code == "de" else ENGLISH
    return ENGLISH
