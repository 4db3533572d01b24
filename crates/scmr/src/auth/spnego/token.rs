use super::der::{self, Elements, element, field};
use crate::auth::AuthError;

/// The object identifier of SPNEGO, 1.3.6.1.5.5.2 (RFC 4178 3).
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];

/// More mechanisms than anybody has.
const MAX_MECHANISMS: usize = 32;

/// `negState` (RFC 4178 4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(pub u8);

impl State {
    /// `accept-completed`.
    pub const COMPLETED: Self = Self(0);
    /// `accept-incomplete`.
    pub const INCOMPLETE: Self = Self(1);
    /// `reject`.
    pub const REJECT: Self = Self(2);
    /// `request-mic`.
    pub const REQUEST_MIC: Self = Self(3);
}

/// `NegTokenInit` (RFC 4178 4.2.1): what a client offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Init {
    /// `mechTypes`, the best one first.
    pub mechanisms: Vec<Vec<u8>>,
    /// `mechToken`, of the first mechanism.
    pub token: Option<Vec<u8>>,
}

/// `NegTokenResp` (RFC 4178 4.2.2): everything after that, both ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// `negState`.
    pub state: Option<State>,
    /// `supportedMech`.
    pub mechanism: Option<Vec<u8>>,
    /// `responseToken`.
    pub token: Option<Vec<u8>>,
    /// `mechListMIC`.
    pub mic: Option<Vec<u8>>,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// The first of a client.
    Init(Init),
    /// Any other.
    Response(Response),
}

impl Token {
    /// Reads a token (RFC 4178 4.2, RFC 2743 3.1).
    pub fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut outer = Elements(bytes);
        if let Some(contents) = outer.optional(der::APPLICATION)? {
            let mut inner = Elements(contents);
            if inner.expect(der::OBJECT, "a token of GSSAPI has no mechanism")? != SPNEGO {
                return Err(AuthError::Malformed { what: "a token of GSSAPI is not one of SPNEGO" });
            }
            return Init::read(inner.expect(field(0), "a token of SPNEGO is no NegTokenInit")?)
                .map(Self::Init);
        }
        Response::read(outer.expect(field(1), "it is no token of SPNEGO")?).map(Self::Response)
    }

    /// Reads a token that can't be the first.
    pub fn read_response(bytes: &[u8]) -> Result<Response, AuthError> {
        match Self::read(bytes)? {
            Self::Response(response) => Ok(response),
            Self::Init(_) => Err(AuthError::Malformed { what: "a token of SPNEGO is the first once more" }),
        }
    }
}

impl Init {
    /// `MechTypeList` as it is signed (RFC 4178 5).
    pub fn list(&self) -> Vec<u8> {
        let list: Vec<u8> =
            self.mechanisms.iter().flat_map(|mechanism| element(der::OBJECT, mechanism)).collect();
        element(der::SEQUENCE, &list)
    }

    /// Writes the token (RFC 4178 4.2.1).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields = element(field(0), &self.list());
        if let Some(token) = &self.token {
            fields.extend(element(field(2), &element(der::OCTETS, token)));
        }
        let init = element(field(0), &element(der::SEQUENCE, &fields));
        element(der::APPLICATION, &[element(der::OBJECT, SPNEGO), init].concat())
    }

    fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut fields = Elements(Elements(bytes).expect(der::SEQUENCE, "NegTokenInit is no sequence")?);
        let list = fields.expect(field(0), "NegTokenInit has no mechTypes")?;
        let mut list = Elements(Elements(list).expect(der::SEQUENCE, "mechTypes is no sequence")?);
        let mut mechanisms = Vec::new();
        while let Some(mechanism) = list.optional(der::OBJECT)? {
            if mechanisms.len() == MAX_MECHANISMS {
                return Err(AuthError::Malformed { what: "mechTypes has more than 32 mechanisms" });
            }
            mechanisms.push(mechanism.to_vec());
        }
        fields.optional(field(1))?; // reqFlags, which mean nothing any more
        Ok(Self { mechanisms, token: octets(&mut fields, 2)? })
    }
}

impl Response {
    /// Writes the token (RFC 4178 4.2.2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if let Some(State(state)) = self.state {
            fields.extend(element(field(0), &element(der::ENUMERATED, &[state])));
        }
        if let Some(mechanism) = &self.mechanism {
            fields.extend(element(field(1), &element(der::OBJECT, mechanism)));
        }
        if let Some(token) = &self.token {
            fields.extend(element(field(2), &element(der::OCTETS, token)));
        }
        if let Some(mic) = &self.mic {
            fields.extend(element(field(3), &element(der::OCTETS, mic)));
        }
        element(field(1), &element(der::SEQUENCE, &fields))
    }

    fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut fields = Elements(Elements(bytes).expect(der::SEQUENCE, "NegTokenResp is no sequence")?);
        let state = match fields.optional(field(0))? {
            Some(state) => match Elements(state).expect(der::ENUMERATED, "negState is no number")? {
                [state] => Some(State(*state)),
                _ => return Err(AuthError::Malformed { what: "negState is not one byte" }),
            },
            None => None,
        };
        let mechanism = match fields.optional(field(1))? {
            Some(mechanism) => {
                Some(Elements(mechanism).expect(der::OBJECT, "supportedMech is no identifier")?.to_vec())
            }
            None => None,
        };
        Ok(Self { state, mechanism, token: octets(&mut fields, 2)?, mic: octets(&mut fields, 3)? })
    }
}

fn octets(fields: &mut Elements<'_>, number: u8) -> Result<Option<Vec<u8>>, AuthError> {
    let Some(contents) = fields.optional(field(number))? else { return Ok(None) };
    Ok(Some(Elements(contents).expect(der::OCTETS, "a token within SPNEGO is no octets")?.to_vec()))
}
