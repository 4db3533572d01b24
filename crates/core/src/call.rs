//! Requests over HTTP that bring a program to do something.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;
use crate::probe::{HttpUrl, NotHttpUrl};

/// What a request is that doesn't say.
const USUAL: &str = "POST";

/// `METHOD http://HOST:PORT/PATH`, or the address alone for a POST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpRequest {
    method: String,
    url: HttpUrl,
}

impl HttpRequest {
    /// Reads a request.
    pub fn new(text: &str) -> Result<Self, NotHttpUrl> {
        let (method, url) = text.split_once(' ').unwrap_or((USUAL, text));
        // Registered methods are in capital letters: RFC 9110, 9.1.
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method {
            return Err(NotHttpUrl::Form);
        }
        Ok(Self { method: method.to_owned(), url: HttpUrl::new(url.trim_start())? })
    }

    /// `HOST:PORT` to connect to.
    pub fn address(&self) -> String {
        self.url.address()
    }

    /// What is sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.url.request(&self.method)
    }
}

impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

impl TryFrom<String> for HttpRequest {
    type Error = NotHttpUrl;
    fn try_from(text: String) -> Result<Self, NotHttpUrl> {
        Self::new(&text)
    }
}

impl From<HttpRequest> for String {
    fn from(request: HttpRequest) -> Self {
        request.to_string()
    }
}

/// A request, and how long its answer is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCall {
    /// What is sent.
    pub request: HttpRequest,
    /// How long the answer is waited for.
    #[serde(with = "millis", rename = "timeout_ms")]
    pub timeout: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_a_method() {
        for (text, shown, start, length) in [
            ("http://x/stop", "POST http://x/stop", "POST /stop HTTP/1.1\r\nHost: x\r\n", true),
            ("PUT  http://x:1", "PUT http://x:1", "PUT / HTTP/1.1\r\nHost: x:1\r\n", true),
            ("GET http://x/?a", "GET http://x/?a", "GET /?a HTTP/1.1\r\nHost: x\r\n", false),
        ] {
            let request = HttpRequest::new(text).unwrap();
            assert_eq!(request.to_string(), shown);
            assert_eq!(HttpRequest::new(shown).as_ref(), Ok(&request));
            let bytes = String::from_utf8(request.bytes()).unwrap();
            assert!(bytes.starts_with(start) && bytes.ends_with("\r\n\r\n"), "{bytes}");
            assert_eq!(bytes.contains("\r\nContent-Length: 0\r\n"), length, "{bytes}");
        }
        for (wrong, why) in [
            ("post http://x/", NotHttpUrl::Form),
            (" http://x/", NotHttpUrl::Form),
            ("POST x", NotHttpUrl::Form),
            ("POST http://x/ y", NotHttpUrl::Form),
            ("PO\r\nST http://x/", NotHttpUrl::Form),
            ("POST https://x/", NotHttpUrl::Tls),
        ] {
            assert_eq!(HttpRequest::new(wrong), Err(why), "{wrong}");
        }
    }
}
