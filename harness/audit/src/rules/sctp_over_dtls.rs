//! SCTP inside DTLS.

use rtcspec_trace::watch::{Chunk, DtlsRole, Event, Handshake, Kind};
use rtcspec_wire::dtls::{HandshakeType, ProtocolVersion};
use rtcspec_wire::sctp::{Body, ParameterType};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "sctp.over-dtls",
    level: Level::Violation,
    cites: &[cite(8261, "6.1")],
    needs: &[Need::Keys],
    summary: "SCTP begins when DTLS is up, and speaks of no addresses",
    doc: "Fires when an INIT or INIT ACK has IPv4 or IPv6 Address parameters, when an INIT has \
          Supported Address Types, or when a side of DTLS 1.2 sends SCTP before the other side's \
          Finished was seen. DTLS 1.3 lets a server send before the client's Finished.",
    advice: "strip address parameters; wait for the handshake to end",
    holds: "an INIT without address parameters after both Finished",
    breaks: "an INIT with an IPv4 Address parameter",
    silent: "no INIT could be read",
    hears: &[Hears::Chunk, Hears::Handshake, Hears::DtlsReady, Hears::Sctp],
    scope: Scope::Connection,
};

declare!(OverDtls, State);

#[derive(Debug, Default)]
struct State {
    association: u32,
    /// Of client and server.
    finished: [bool; 2],
    hello: bool,
    is_1_2: bool,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Handshake(handshake) => self.handshake(handshake),
            Kind::DtlsReady(ready) => self.is_1_2 = ready.version == ProtocolVersion::DTLS_1_2,
            Kind::Sctp(packet) => {
                let other = match packet.role {
                    Some(DtlsRole::Client) => 1,
                    Some(DtlsRole::Server) => 0,
                    None => return,
                };
                if self.hello && self.is_1_2 && !self.finished[other] {
                    let frames = [event.number];
                    let seen = "SCTP before the other side's Finished";
                    tally.find(Spot::of(event, &frames), "DTLS first", seen);
                }
            }
            Kind::Chunk(chunk) => judge(event, chunk, tally),
            _ => {}
        }
    }
}

impl State {
    fn handshake(&mut self, handshake: &Handshake<'_>) {
        if self.association != handshake.association {
            *self = Self { association: handshake.association, ..Self::default() };
        }
        match (handshake.msg_type, handshake.role) {
            (HandshakeType::CLIENT_HELLO, _) => self.hello = true,
            (HandshakeType::FINISHED, Some(role)) => {
                self.finished[usize::from(role == DtlsRole::Server)] = true;
            }
            _ => {}
        }
    }
}

fn judge(event: &Event<'_>, chunk: &Chunk<'_>, tally: &mut Tally) {
    let (init, name) = match chunk.body {
        Ok(Body::Init(init)) => (init, "INIT"),
        Ok(Body::InitAck(init)) => (init, "INIT ACK"),
        _ => return,
    };
    let wrong = init.parameters().take(64).find(|parameter| {
        let ty = parameter.parameter_type();
        ty == ParameterType::IPV4_ADDRESS
            || ty == ParameterType::IPV6_ADDRESS
            || (ty == ParameterType::SUPPORTED_ADDRESS_TYPES && name == "INIT")
    });
    match wrong {
        None => tally.hold(),
        Some(parameter) => {
            let frames = [event.number];
            let seen = format!("{} in {name}", parameter.parameter_type());
            tally.find(Spot::of(event, &frames), "no address parameters", seen);
        }
    }
}
