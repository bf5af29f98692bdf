"""What a provider says of who signed in, and what is not believed."""

from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from echoic.accounts.claims import Claims
from echoic.accounts.oidc import OidcProvider
from echoic.errors import EchoicError, OidcAnswerInvalid, OidcRefused, OidcUnavailable, SettingInvalid
from tests.accounts.provider import BITS, ISSUER, Provider, provided

BACK = "https://echoic.example/api/sign-in/oidc/callback"


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def oidc(provider: Provider) -> OidcProvider:
    return OidcProvider(provided(), provider.transport)


async def sign_in(oidc: OidcProvider, provider: Provider, **claims: Any) -> Claims:
    secret = oidc.new_secret()
    answer = provider.let_in(await oidc.sign_in_address(secret, redirect_uri=BACK), **claims)
    return await oidc.claims(secret, answer, redirect_uri=BACK)


async def test_the_claims_of_somebody_who_signed_in(oidc: OidcProvider, provider: Provider) -> None:
    told = {"sub": "7", "name": "Ada", "email": "ada@example.org", "email_verified": True, "groups": ["press"]}
    found = await sign_in(oidc, provider, **told)
    assert found == Claims(issuer=ISSUER, subject="7", name="Ada", email="ada@example.org", groups=frozenset({"press"}))
    await sign_in(oidc, provider)
    assert provider.asked.count("/.well-known/openid-configuration") == provider.asked.count("/keys") == 1


@pytest.mark.parametrize("verified", [False, None, "no", 1])
async def test_an_address_that_the_provider_has_not_verified_is_none(
    oidc: OidcProvider, provider: Provider, verified: Any
) -> None:
    found = await sign_in(oidc, provider, email="ada@example.org", email_verified=verified)
    assert (found.email, found.name) == (None, "ada@example.org")


async def test_what_the_token_lacks_is_asked_for_and_must_be_of_the_same_person(
    oidc: OidcProvider, provider: Provider
) -> None:
    provider.metadata["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    provider.userinfo = {"sub": "7", "name": "Ada", "groups": "press"}
    found = await sign_in(oidc, provider, sub="7")
    assert (found.name, found.groups) == ("Ada", frozenset({"press"}))
    with pytest.raises(OidcAnswerInvalid, match="differ"):
        await sign_in(oidc, provider, sub="8")


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://other.example"},
        {"aud": "another-client"},
        {"aud": ["echoic", "another-client"]},  # for two, and it does not say which of them asked
        {"aud": None},
        {"azp": "another-client"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_is_not_believed(
    oidc: OidcProvider, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.lies = lie
    with pytest.raises(OidcAnswerInvalid):
        await sign_in(oidc, provider)


async def test_a_token_of_another_key_is_not_believed_and_one_of_a_new_key_is(
    oidc: OidcProvider, provider: Provider
) -> None:
    await sign_in(oidc, provider)
    provider.key = RSAKey.generate_key(BITS, parameters={"kid": "first"})
    with pytest.raises(OidcAnswerInvalid):
        await sign_in(oidc, provider)
    provider.key = RSAKey.generate_key(BITS, parameters={"kid": "second"})
    with pytest.raises(OidcAnswerInvalid):
        await sign_in(oidc, provider)
    provider.published.append(provider.key)
    assert (await sign_in(oidc, provider)).subject == "1"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_that_others_could_have_signed_is_not_believed(
    oidc: OidcProvider, provider: Provider, algorithm: str
) -> None:
    provider.metadata["id_token_signing_alg_values_supported"] = ["none", "HS256", "RS256"]
    provider.forged_algorithm = algorithm
    with pytest.raises(OidcAnswerInvalid, match="ID token is not valid"):
        await sign_in(oidc, provider)


async def test_an_answer_counts_once_and_for_the_browser_that_asked(oidc: OidcProvider, provider: Provider) -> None:
    mine, other = oidc.new_secret(), oidc.new_secret()
    address = await oidc.sign_in_address(mine, redirect_uri=BACK)
    for secret, broken in (
        (other, {}),
        ("", {}),
        (mine, {"state": ""}),
        (mine, {"iss": "https://other.example"}),
        (mine, {"code": "guessed"}),
    ):
        with pytest.raises(OidcAnswerInvalid):
            await oidc.claims(secret, provider.let_in(address) | broken, redirect_uri=BACK)
    answer = provider.let_in(address)
    await oidc.claims(mine, answer, redirect_uri=BACK)
    with pytest.raises(OidcAnswerInvalid, match="invalid_grant"):
        await oidc.claims(mine, answer, redirect_uri=BACK)


async def test_a_state_made_of_no_secret_lets_nobody_in(oidc: OidcProvider, provider: Provider) -> None:
    answer = provider.let_in(await oidc.sign_in_address("", redirect_uri=BACK))
    with pytest.raises(OidcAnswerInvalid, match="begun elsewhere"):
        await oidc.claims("", answer, redirect_uri=BACK)


async def test_a_code_of_another_sign_in_is_of_no_use(oidc: OidcProvider, provider: Provider) -> None:
    mine, other = oidc.new_secret(), oidc.new_secret()
    stolen = provider.let_in(await oidc.sign_in_address(other, redirect_uri=BACK))
    own = provider.let_in(await oidc.sign_in_address(mine, redirect_uri=BACK))
    with pytest.raises(OidcAnswerInvalid, match="invalid_grant"):
        await oidc.claims(mine, own | {"code": stolen["code"]}, redirect_uri=BACK)


@pytest.mark.parametrize(("error", "kind"), [("access_denied", OidcRefused), ("server_error", OidcAnswerInvalid)])
async def test_a_refusal_of_the_provider_is_told_from_a_fault(
    oidc: OidcProvider, error: str, kind: type[EchoicError]
) -> None:
    with pytest.raises(kind):
        await oidc.claims(oidc.new_secret(), {"error": error}, redirect_uri=BACK)


@pytest.mark.parametrize("change", [{"issuer": "https://other.example"}, {"token_endpoint": None}])
async def test_a_provider_that_is_another_or_incomplete_is_not_used(
    oidc: OidcProvider, provider: Provider, change: dict[str, Any]
) -> None:
    provider.metadata |= change
    with pytest.raises(OidcUnavailable):
        await oidc.sign_in_address(oidc.new_secret(), redirect_uri=BACK)


async def test_a_provider_that_does_not_answer_is_away() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    oidc = OidcProvider(provided(), httpx2.MockTransport(fail))
    with pytest.raises(OidcUnavailable):
        await oidc.sign_in_address(oidc.new_secret(), redirect_uri=BACK)
    broken = OidcProvider(provided(), httpx2.MockTransport(lambda _: httpx2.Response(500, text="no")))
    with pytest.raises(OidcUnavailable, match="500"):
        await broken.sign_in_address(broken.new_secret(), redirect_uri=BACK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_client_id": None},
        {"oidc_issuer": "http://id.example"},
        {"oidc_scopes": ("email",)},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_OIDC_"):
        OidcProvider(provided(**wrong), Provider().transport)
