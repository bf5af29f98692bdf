import base64
import hashlib

import pytest

from echoic.errors import DigestMismatch, FieldInvalid
from echoic.intake.body import ContentDigest

CONTENT = b'{"hello": "world"}\n'
# The example of RFC 9530, appendix B.1.
SHA_256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
SHA_512 = f"sha-512=:{base64.b64encode(hashlib.sha512(CONTENT).digest()).decode()}:"
WRONG_256 = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"


def check(header: str, *chunks: bytes) -> None:
    digest = ContentDigest.parse(header)
    for chunk in chunks:
        digest.update(chunk)
    digest.check()


@pytest.mark.parametrize(
    "header",
    [
        SHA_256,
        SHA_512,
        f"{SHA_256}, {SHA_512}",
        f"  {SHA_512} \t,\t{SHA_256}  ",
        f'{SHA_256};a;b=?1; c=token;d="x\\"";e=1.5;f=:AA==:',
        f"md5=:AAAA:, unixsum=:*:, {SHA_256}".replace(":*:", "::"),
        f"{WRONG_256}, {SHA_256}",  # of equal keys the last counts
        "md5=:AAAA:",
        "",
    ],
)
def test_the_right_body_passes_in_any_pieces(header: str) -> None:
    check(header, CONTENT)
    check(header, *(bytes([byte]) for byte in CONTENT))


@pytest.mark.parametrize("header", [WRONG_256, f"{SHA_256}, sha-512=:{base64.b64encode(bytes(64)).decode()}:"])
def test_another_body_is_refused_if_one_of_its_digests_is_wrong(header: str) -> None:
    with pytest.raises(DigestMismatch, match="sha-"):
        check(header, CONTENT)


@pytest.mark.parametrize("chunks", [[], [CONTENT[:-1]], [CONTENT, b" "]])
def test_a_body_that_lacks_a_byte_or_has_one_more_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(DigestMismatch):
        check(SHA_256, *chunks)


@pytest.mark.parametrize(
    "header",
    [
        "sha-256",
        "sha-256=abc",
        "sha-256=:abc",
        "sha-256=:AAAA:",
        "sha-256=:A:",
        "sha-256=:====:",
        "SHA-256=:AAAA:",
        f"{SHA_256},",
        f"{SHA_256} {SHA_512}",
        f",{SHA_256}",
        f"{SHA_256};",
        f"{SHA_256};=1",
        "md5=1",
        "md5=:\u00e9:",
        SHA_256.replace(":", '"'),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_and_named(header: str) -> None:
    with pytest.raises(FieldInvalid, match="Content-Digest"):
        ContentDigest.parse(header)
