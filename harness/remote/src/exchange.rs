//! An offer for an answer, over HTTP: what servers take that have no adapter.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};
use url::Url;

use crate::trust::Trust;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most redirections of one request.
const REDIRECTIONS: usize = 5;
/// The longest answer that is read.
const LONGEST: u64 = 1 << 20;
/// What is shown of what a server says when it refuses.
const SHOWN: usize = 200;
const SDP: &str = "application/sdp";

/// What a URL takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contract {
    /// `POST` of a W3C `RTCSessionDescriptionInit` as JSON, answered with one. The servers of the
    /// webrtc-interop images do so, and echo the strings they receive.
    Offer,
    /// WHIP (RFC 9725), with a bearer token if it wants one.
    Whip {
        /// RFC 6750 §2.1.
        token: Option<String>,
    },
}

/// An answer, and what came with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The answer.
    pub(crate) sdp: String,
    /// Where the session is ended.
    pub(crate) session: Option<Url>,
    /// What of the contract was not kept.
    pub(crate) broken: Vec<String>,
    /// What is worth a line in the log.
    pub(crate) remarks: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// No response.
    #[error("{method} {url}: {reason}")]
    Http { method: &'static str, url: String, reason: Box<ureq::Error> },
    /// It does not take such an offer.
    #[error("{url} takes no such offer: {status}{}", shown(.body))]
    NotTaken { url: String, status: StatusCode, body: String },
    /// It refused, for whatever reason.
    #[error("{method} {url}: {status}{}", shown(.body))]
    Refused { method: &'static str, url: String, status: StatusCode, body: String },
    /// Another server, and another.
    #[error("{0} redirects more than {REDIRECTIONS} times, or to nowhere")]
    Redirected(String),
    /// Who was asked over TLS would have the offer, or the token, go to somebody without.
    #[error("{from} leads to {to}, which is not TLS")]
    Exposed { from: String, to: String },
    /// What came is no answer.
    #[error("{url}: no answer in {}", shown(.body))]
    NoAnswer { url: String, body: String },
}

/// What a server said, after a colon, if it said something; one line of it.
fn shown(body: &str) -> String {
    let line: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(SHOWN).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

/// A server that answers offers at a URL.
#[derive(Clone)]
pub(crate) struct Answerer {
    agent: Agent,
    url: Url,
    contract: Contract,
}

impl fmt::Debug for Answerer {
    /// A token is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Answerer {
    pub(crate) fn new(url: Url, contract: Contract, trust: Trust) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // A redirected POST is to stay one (RFC 9725 §4.5), which is seen to here.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .tls_config(trust.tls())
            .build();
        Self { agent: config.into(), url, contract }
    }

    /// Looks whether a server behind TLS is the one that was meant, before it is told anything. It is
    /// asked what it can do, and may answer what it likes.
    pub(crate) fn greet(&self) -> Result<(), ExchangeError> {
        if self.url.scheme() != "https" {
            return Ok(());
        }
        let response = self.agent.options(self.url.as_str()).call();
        response.map(drop).map_err(|reason| no_response("OPTIONS", &self.url, reason))
    }

    /// Offers.
    pub(crate) fn offer(&self, sdp: &str) -> Result<Answered, ExchangeError> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTIONS {
            let response = self.post(&url, sdp)?;
            match response.status() {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    let to = header(&response, &header::LOCATION);
                    let to = to.and_then(|to| url.join(&to).ok());
                    let to = to.ok_or_else(|| ExchangeError::Redirected(self.url.to_string()))?;
                    url = as_safe(&url, to)?;
                }
                _ => return self.read(url, response),
            }
        }
        Err(ExchangeError::Redirected(self.url.to_string()))
    }

    fn post(&self, url: &Url, sdp: &str) -> Result<Response<Body>, ExchangeError> {
        let request = self.agent.post(url.as_str());
        let sent = match &self.contract {
            Contract::Offer => {
                let body = json!({"type": "offer", "sdp": sdp}).to_string();
                request.header(header::CONTENT_TYPE, "application/json").send(body)
            }
            Contract::Whip { token } => {
                let request = request.header(header::CONTENT_TYPE, SDP);
                let request = match token {
                    Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
                    None => request,
                };
                request.send(sdp)
            }
        };
        let failed = |reason| no_response("POST", url, reason);
        sent.map_err(failed)
    }

    fn read(&self, url: Url, mut response: Response<Body>) -> Result<Answered, ExchangeError> {
        let body = response.body_mut().with_config().limit(LONGEST).lossy_utf8(true);
        let body = body.read_to_string();
        let failed = |reason| no_response("POST", &url, reason);
        let body = body.map_err(failed)?;
        let status = response.status();
        let told = || url.to_string();
        if not_taken(status) {
            return Err(ExchangeError::NotTaken { url: told(), status, body });
        }
        if !status.is_success() {
            return Err(ExchangeError::Refused { method: "POST", url: told(), status, body });
        }
        match self.contract {
            Contract::Offer => answer_in_json(&body)
                .map(|sdp| Answered { sdp, ..Answered::default() })
                .ok_or_else(|| ExchangeError::NoAnswer { url: told(), body }),
            Contract::Whip { .. } if body.starts_with("v=") => {
                Ok(whip_answer(&url, &response, body))
            }
            Contract::Whip { .. } => Err(ExchangeError::NoAnswer { url: told(), body }),
        }
    }

    /// Ends a session.
    pub(crate) fn end(&self, session: &Url) -> Result<(), ExchangeError> {
        let request = self.agent.delete(session.as_str());
        let request = match &self.contract {
            Contract::Whip { token: Some(token) } => {
                request.header(header::AUTHORIZATION, format!("Bearer {token}"))
            }
            _ => request,
        };
        let method = "DELETE";
        let mut response = match request.call() {
            Ok(response) => response,
            Err(reason) => return Err(no_response(method, session, reason)),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = response.body_mut().read_to_string().unwrap_or_default();
        Err(ExchangeError::Refused { method, url: session.to_string(), status, body })
    }
}

fn no_response(method: &'static str, url: &Url, reason: ureq::Error) -> ExchangeError {
    ExchangeError::Http { method, url: url.to_string(), reason: Box::new(reason) }
}

/// Where a server sends its client next, unless that is out of TLS.
fn as_safe(from: &Url, to: Url) -> Result<Url, ExchangeError> {
    match from.scheme() == "https" && to.scheme() != "https" {
        true => Err(ExchangeError::Exposed { from: from.to_string(), to: to.to_string() }),
        false => Ok(to),
    }
}

/// Whether a status says that the offer is understood and not wanted (RFC 9110 §15.5.7, §15.5.16,
/// §15.5.21, §15.6.2).
fn not_taken(status: StatusCode) -> bool {
    [
        StatusCode::NOT_ACCEPTABLE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::NOT_IMPLEMENTED,
    ]
    .contains(&status)
}

fn header(response: &Response<Body>, name: &header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn answer_in_json(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    let is_answer = value.get("type").and_then(Value::as_str) == Some("answer");
    let sdp = value.get("sdp").and_then(Value::as_str)?;
    is_answer.then(|| sdp.to_owned())
}

/// RFC 9725 §4.2: 201, the answer as `application/sdp`, and in Location where the session is ended.
fn whip_answer(url: &Url, response: &Response<Body>, sdp: String) -> Answered {
    let mut answered = Answered { sdp, ..Answered::default() };
    let mut duty = |kept: bool, what: String| {
        if !kept {
            answered.broken.push(format!("RFC 9725 §4.2: {what}"));
        }
    };
    let status = response.status();
    duty(status == StatusCode::CREATED, format!("201 was due, it said {}", status.as_u16()));
    let kind = header(response, &header::CONTENT_TYPE).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    duty(essence == SDP, format!("an answer of type {SDP} was due, it is of type `{kind}`"));
    let location = header(response, &header::LOCATION);
    let session = location.as_ref().and_then(|location| url.join(location).ok());
    duty(
        session.is_some(),
        match location {
            None => "the URL of the session was due in Location, which is not there".to_owned(),
            Some(location) => format!("`{location}` in Location is no URL"),
        },
    );
    answered.remarks = ice_servers(response);
    match session.map(|session| as_safe(url, session)).transpose() {
        Ok(session) => answered.session = session,
        Err(why) => answered.remarks.push(format!("Location: {why}, and is not asked")),
    }
    answered
}

/// RFC 9725 §4.6: servers for STUN and TURN, offered in Link.
fn ice_servers(response: &Response<Body>) -> Vec<String> {
    let links = response.headers().get_all(header::LINK).iter();
    let links = links.filter_map(|link| link.to_str().ok());
    let of_ice = links.flat_map(targets).filter(|link| {
        link.split(';').skip(1).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"') == "ice-server"
        })
    });
    // What follows the URL may have a credential in it.
    of_ice
        .filter_map(|link| link.trim_start().trim_start_matches('<').split('>').next())
        .map(|url| format!("Link: {url} is an ice-server, which is not asked"))
        .collect()
}

/// The links of one header, each with its parameters: a comma before another target parts them, blanks
/// or not (RFC 8288); others are part of a target or of a parameter.
fn targets(links: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (comma, _) in links.match_indices(',') {
        if links[comma + 1..].trim_start().starts_with('<') {
            found.push(&links[begin..comma]);
            begin = comma + 1;
        }
    }
    found.push(&links[begin..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Body::builder().data("")).unwrap()
    }

    #[test]
    fn an_answer_of_whip_has_a_status_a_type_and_a_place() {
        let url: Url = "http://192.0.2.1/whip/a".parse().unwrap();
        let good = response(201, &[("Content-Type", "application/sdp"), ("Location", "/s/1")]);
        let answered = whip_answer(&url, &good, "v=0".to_owned());
        assert!(answered.broken.is_empty(), "{:?}", answered.broken);
        assert_eq!(answered.session.unwrap().as_str(), "http://192.0.2.1/s/1");
        let bad =
            whip_answer(&url, &response(200, &[("Content-Type", "text/plain")]), String::new());
        assert_eq!(bad.broken.len(), 3, "{:?}", bad.broken);
        assert_eq!(bad.session, None);
    }

    #[test]
    fn a_redirection_may_lead_into_tls_and_not_out_of_it() {
        let [plain, secure] =
            ["http://192.0.2.1/", "https://192.0.2.1/"].map(|url| url.parse::<Url>().unwrap());
        for (from, to) in [(&plain, &plain), (&plain, &secure), (&secure, &secure)] {
            assert_eq!(as_safe(from, to.clone()).unwrap(), *to);
        }
        let error = as_safe(&secure, plain.clone()).unwrap_err().to_string();
        assert_eq!(error, "https://192.0.2.1/ leads to http://192.0.2.1/, which is not TLS");
        let place = [("Content-Type", SDP), ("Location", "http://192.0.2.1/s/1")];
        let answered = whip_answer(&secure, &response(201, &place), "v=0".to_owned());
        assert_eq!((answered.session, answered.broken.len()), (None, 0));
        assert!(answered.remarks[0].contains("which is not TLS"), "{:?}", answered.remarks);
    }

    #[test]
    fn servers_of_links_are_told_without_their_credentials() {
        let link = "<stun:stun.example>; rel=\"ice-server\",<turn:turn.example?transport=udp>; \
                    rel=ice-server; username=\"u\"; credential=\"secret\"";
        let remarks = ice_servers(&response(201, &[("Link", link), ("Link", "<a>; rel=next")]));
        assert_eq!(remarks.len(), 2, "{remarks:?}");
        assert!(remarks[1].contains("turn:turn.example?transport=udp"));
        assert!(!remarks.concat().contains("secret"));
        let blanks = link.replace(",<", " , \t<");
        assert_eq!(ice_servers(&response(201, &[("Link", blanks.as_str())])), remarks);
    }

    #[test]
    fn an_answer_in_json_is_one_of_type_answer() {
        assert_eq!(answer_in_json(r#"{"type":"answer","sdp":"v=0"}"#).as_deref(), Some("v=0"));
        for other in ["", "[]", r#"{"type":"offer","sdp":"v=0"}"#, r#"{"type":"answer"}"#] {
            assert_eq!(answer_in_json(other), None, "{other}");
        }
    }
}
