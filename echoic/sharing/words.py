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
    "mail_confirm_title": "Confirm this address",
    "mail_confirm": "Alerts are to be sent to {address}. Is that your address, and do you want them?",
    "mail_confirm_button": "Yes, send them",
    "mail_confirmed_title": "The address is confirmed",
    "mail_confirmed": "Alerts are sent to {address} from now on. Each mail has a link that ends them.",
    "mail_stop_alert_title": "Stop this mail?",
    "mail_stop_alert": "Mail of this alert is sent to {address}.",
    "mail_stop_alert_button": "Stop mail of this alert",
    "mail_stop_title": "Stop this mail?",
    "mail_stop": "Mail of alerts is sent to {address}.",
    "mail_stop_button": "Stop all mail to this address",
    "mail_stopped_title": "The mail is stopped",
    "mail_stopped": "It is sent to {address} no more.",
    "mail_gone": "The link is wrong, has run out or was used. Ask for another one where you wanted the alerts.",
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
    "mail_confirm_title": "Diese Adresse bestätigen",
    "mail_confirm": "An {address} sollen Benachrichtigungen gehen. Ist das Ihre Adresse, und möchten Sie sie?",
    "mail_confirm_button": "Ja, zusenden",
    "mail_confirmed_title": "Die Adresse ist bestätigt",
    "mail_confirmed": "An {address} gehen von jetzt an Benachrichtigungen. Jede E-Mail hat einen Link, der sie beendet.",
    "mail_stop_alert_title": "Diese E-Mails beenden?",
    "mail_stop_alert": "E-Mails dieser Benachrichtigung gehen an {address}.",
    "mail_stop_alert_button": "E-Mails dieser Benachrichtigung beenden",
    "mail_stop_title": "Diese E-Mails beenden?",
    "mail_stop": "Benachrichtigungen gehen als E-Mail an {address}.",
    "mail_stop_button": "Alle E-Mails an diese Adresse beenden",
    "mail_stopped_title": "Die E-Mails sind beendet",
    "mail_stopped": "Sie gehen nicht mehr an {address}.",
    "mail_gone": "Der Link ist falsch, abgelaufen oder benutzt. Fordern Sie dort einen neuen an, wo Sie die Nachrichten wollten.",
}


def words_for(accept_language: str) -> Mapping[str, str]:
    """Return the words for a browser that sends this header: German where that comes before English, else English."""
    for part in accept_language.lower().split(","):
        code = part.partition(";")[0].strip().partition("-")[0]
        if code in ("de", "en"):
            return GERMAN if code == "de" else ENGLISH
    return ENGLISH
