"""Reads an address that a person typed, with a maintained validator. Asks no name server: syntax
only (a look-up at the door may fail for reasons that are not the visitor's).
"""

from email_validator import EmailNotValidError, validate_email

from app.domain.address import Address
from app.domain.errors import AddressMalformed, AddressRefused

_LONGEST = 254


def read_address(typed: str) -> Address:
    """The mailbox that was meant, in normal form (IDNA domain, local part as typed).

    Raises AddressMalformed for anything that is not one plain mailbox (quoted local parts, IP
    literals, display names, line breaks) and AddressRefused for role addresses (RFC 2142).
    """
    if len(typed) > _LONGEST * 2:
        raise AddressMalformed
    try:
        found = validate_email(
            typed.strip(),
            check_deliverability=False,
            strict=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
        )
    except EmailNotValidError as fault:
        raise AddressMalformed from fault
    address = Address(found.local_part, found.ascii_domain.lower(), found.domain)
    if address.is_role:
        raise AddressRefused
    return address
