//! Long-term credentials of a client (RFC 8489 §9.2).

use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, ErrorCode, Key, Message, PasswordAlgorithm, Seal, View,
};

/// RFC 8489 §9.2.1: how a nonce begins whose next four characters say what the server supports.
const NONCE_COOKIE: &str = "obMatJos2";
/// RFC 8489 §18.1: the bit of the security feature set for password algorithms.
const PASSWORD_ALGORITHMS: u32 = 1 << 23;

/// What the server told last, and the key that follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    realm: String,
    nonce: Vec<u8>,
    /// What PASSWORD-ALGORITHMS offered; empty if the server knows only MD5.
    offered: Vec<PasswordAlgorithm>,
    chosen: PasswordAlgorithm,
    key: Key,
}

/// A user with what is known of the server's realm.
#[derive(Clone, Debug)]
pub(super) struct Auth {
    username: String,
    password: String,
    session: Option<Session>,
}

/// The part of a session a request was made with, to judge the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    realm: String,
    nonce: Vec<u8>,
    key: Key,
    sha256: bool,
}

/// What an answer means for authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the server's answer to the request.
    Genuine,
    /// It carries a challenge: the request can be made again with what it brought.
    Again,
    /// It must be treated as if it had never come.
    Discard,
}

impl Auth {
    pub(super) fn new(username: String, password: String) -> Self {
        Self { username, password, session: None }
    }

    /// Adds the credentials to a request, once the server has asked for them.
    pub(super) fn apply(&self, message: &mut Message) -> Option<Used> {
        let session = self.session.as_ref()?;
        message.attributes.push(Attribute::Username(self.username.clone()));
        message.attributes.push(Attribute::Realm(session.realm.clone()));
        message.attributes.push(Attribute::Nonce(session.nonce.clone()));
        let sha256 = !session.offered.is_empty();
        if sha256 {
            // RFC 8489 §9.2.5: the server's list comes back, with the client's choice.
            message.attributes.push(Attribute::PasswordAlgorithms(session.offered.clone()));
            message.attributes.push(Attribute::PasswordAlgorithm(session.chosen.clone()));
        }
        Some(Used {
            realm: session.realm.clone(),
            nonce: session.nonce.clone(),
            key: session.key.clone(),
            sha256,
        })
    }

    /// Judges an answer to a request made with `used` (RFC 8489 §9.2.5).
    pub(super) fn judge(&mut self, view: &View<'_>, used: Option<&Used>) -> Verdict {
        let error = view.error_code().map(|error| error.code());
        let is_error = view.message_type().is_some_and(|ty| ty.class == Class::ErrorResponse);
        match (is_error, error) {
            (true, Some(ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE)) => {
                self.challenge(view, used)
            }
            // RFC 8489 §9.2.4: an answer of 400 is made before the request is authenticated.
            (true, Some(ErrorCode::BAD_REQUEST)) => Verdict::Genuine,
            _ => match used {
                Some(used) if !used.verifies(view) => Verdict::Discard,
                _ => Verdict::Genuine,
            },
        }
    }

    /// Takes in REALM and NONCE of a 401 or 438.
    fn challenge(&mut self, view: &View<'_>, used: Option<&Used>) -> Verdict {
        let stale = view.error_code().is_some_and(|e| e.code() == ErrorCode::STALE_NONCE);
        let known = self.session.as_ref().map(|session| session.realm.clone());
        let realm = view.realm().map(str::to_owned).or(if stale { known } else { None });
        let (Some(realm), Some(nonce)) = (realm, view.nonce()) else {
            return Verdict::Genuine;
        };
        // RFC 8489 §9.2.5: with the same realm and nonce the same credentials would fail again.
        let same = used.is_some_and(|used| used.realm == realm && used.nonce == nonce);
        if same && !stale {
            return Verdict::Genuine;
        }
        let Some(session) = self.session(realm, nonce, view) else {
            return Verdict::Discard;
        };
        self.session = Some(session);
        Verdict::Again
    }

    /// The session a challenge opens; `None` if somebody cut the algorithms out of it.
    fn session(&self, realm: String, nonce: &[u8], view: &View<'_>) -> Option<Session> {
        let offered = password_algorithms(view);
        // RFC 8489 §9.2.5: a nonce that promises PASSWORD-ALGORITHMS without them is an attack.
        let offered = match (has_password_algorithms_bit(nonce), offered.is_empty()) {
            (true, true) => return None,
            (true, false) => offered,
            (false, _) => Vec::new(),
        };
        let (username, password) = (&self.username, &self.password);
        let (chosen, key) = if offered.contains(&PasswordAlgorithm::SHA256) {
            let key = Key::long_term_sha256(username, &realm, password);
            (PasswordAlgorithm::SHA256, key)
        } else {
            (PasswordAlgorithm::MD5, Key::long_term(username, &realm, password))
        };
        Some(Session { realm, nonce: nonce.to_vec(), offered, chosen, key })
    }
}

impl Used {
    /// The key, for whoever re-signs a request.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// How a request with these credentials ends.
    pub(super) fn seal(&self) -> Seal<'_> {
        if self.sha256 {
            Seal::none().integrity_sha256(&self.key)
        } else {
            Seal::none().integrity(&self.key)
        }
    }

    fn verifies(&self, view: &View<'_>) -> bool {
        view.verify_integrity_sha256(&self.key) == Check::Valid
            || (!self.sha256 && view.verify_integrity(&self.key) == Check::Valid)
    }
}

fn password_algorithms(view: &View<'_>) -> Vec<PasswordAlgorithm> {
    let decoded = view
        .transaction_id()
        .zip(view.attribute(AttributeType::PASSWORD_ALGORITHMS))
        .and_then(|(id, attribute)| attribute.decode(id).ok());
    match decoded {
        Some(Attribute::PasswordAlgorithms(list)) => list,
        _ => Vec::new(),
    }
}

/// RFC 8489 §9.2.1: the security feature set is 24 bits in base64 after the nonce cookie.
fn has_password_algorithms_bit(nonce: &[u8]) -> bool {
    let Some(features) = nonce.strip_prefix(NONCE_COOKIE.as_bytes()).and_then(|n| n.get(..4))
    else {
        return false;
    };
    let digit = |c: u8| -> Option<u32> {
        Some(
            match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            }
            .into(),
        )
    };
    let bits = features.iter().try_fold(0, |bits, &c| Some(bits << 6 | digit(c)?));
    bits.is_some_and(|bits| bits & PASSWORD_ALGORITHMS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtcspec_wire::stun::{Method, TransactionId};

    const ID: TransactionId = TransactionId([1; 12]);

    fn error(code: u16, realm: &str, nonce: &[u8]) -> Message {
        Message::error(Method::REFRESH, ID, ErrorCode::new(code).unwrap())
            .with(Attribute::Realm(realm.into()))
            .with(Attribute::Nonce(nonce.into()))
    }

    fn judge(auth: &mut Auth, message: &Message, used: Option<&Used>) -> Verdict {
        let bytes = message.encode(&Seal::none()).unwrap();
        auth.judge(&View::new(&bytes), used)
    }

    fn auth() -> Auth {
        Auth::new("user".into(), "pass".into())
    }

    fn request(auth: &Auth) -> Option<Used> {
        auth.apply(&mut Message::request(Method::REFRESH, ID))
    }

    #[test]
    fn first_request_carries_no_credentials() {
        // RFC 8489 §9.2.3.1.
        assert_eq!(request(&auth()), None);
    }

    #[test]
    fn challenge_is_answered_and_the_same_challenge_is_a_refusal() {
        let mut auth = auth();
        assert_eq!(judge(&mut auth, &error(401, "r", b"n"), None), Verdict::Again);
        let used = request(&auth);
        assert_eq!(judge(&mut auth, &error(401, "r", b"n"), used.as_ref()), Verdict::Genuine);
        assert_eq!(judge(&mut auth, &error(401, "r2", b"n2"), used.as_ref()), Verdict::Again);
    }

    #[test]
    fn stale_nonce_is_answered_each_time_it_comes() {
        let mut auth = auth();
        judge(&mut auth, &error(401, "r", b"n"), None);
        for nonce in [b"a", b"b"] {
            let used = request(&auth);
            assert_eq!(judge(&mut auth, &error(438, "r", nonce), used.as_ref()), Verdict::Again);
        }
        assert_eq!(request(&auth).unwrap().nonce, b"b");
    }

    #[test]
    fn unsigned_success_is_discarded_once_there_are_credentials() {
        let mut auth = auth();
        judge(&mut auth, &error(401, "r", b"n"), None);
        let used = request(&auth);
        let success = Message::success(Method::REFRESH, ID);
        assert_eq!(judge(&mut auth, &success, used.as_ref()), Verdict::Discard);
        let signed = success.encode(&used.as_ref().unwrap().seal()).unwrap();
        assert_eq!(auth.judge(&View::new(&signed), used.as_ref()), Verdict::Genuine);
    }

    #[test]
    fn sha256_is_chosen_when_offered_and_its_removal_is_noticed() {
        let mut auth = auth();
        let nonce = b"obMatJos2gAAAxyz";
        let bare = error(401, "r", nonce);
        assert_eq!(judge(&mut auth, &bare, None), Verdict::Discard);
        let algorithms = vec![PasswordAlgorithm::MD5, PasswordAlgorithm::SHA256];
        let offer = bare.with(Attribute::PasswordAlgorithms(algorithms));
        assert_eq!(judge(&mut auth, &offer, None), Verdict::Again);
        let mut message = Message::request(Method::REFRESH, ID);
        let used = auth.apply(&mut message).unwrap();
        assert!(used.sha256);
        assert_eq!(used.key, Key::long_term_sha256("user", "r", "pass"));
        let chosen = Attribute::PasswordAlgorithm(PasswordAlgorithm::SHA256);
        assert!(message.attributes.contains(&chosen));
    }
}
