"""The variables of the environment by which commands find their server; settings of a server are in ``echoic.settings``."""

SERVER_VARIABLE = "ECHOIC_SERVER"
KEY_VARIABLE = "ECHOIC_API_KEY"
