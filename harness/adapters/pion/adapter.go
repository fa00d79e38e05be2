// peerctl/1 for pion: see harness/control/PEERCTL.md.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/pion/webrtc"
)

// version is put in by the linker: GOPATH mode does not record what it built with.
var version = "unknown"

var features = []string{
	"data-channel", "dtls12", "ice-lite", "ipv6", "key-log", "multi-interface", "negotiated", "pr-sctp",
	"relay-policy", "restart", "stream-reset", "stun", "trickle", "turn", "turn-tcp", "turn-tls",
	"unordered",
}

type object map[string]interface{}

// unsupported is what cannot be done.
type unsupported string

func (word unsupported) Error() string { return string(word) }

// request has the members of all commands.
type request struct {
	ID         uint64                     `json:"id"`
	Op         string                     `json:"op"`
	PC         string                     `json:"pc"`
	DC         string                     `json:"dc"`
	Name       string                     `json:"name"`
	Seed       json.Number                `json:"seed"`
	Config     map[string]json.RawMessage `json:"config"`
	ICERestart bool                       `json:"iceRestart"`
	Desc       struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	} `json:"desc"`
	Candidate *webrtc.ICECandidateInit `json:"candidate"`
	Label     string                   `json:"label"`
	// Its members have W3C's names, but for the case of letters, which does not matter.
	Init   webrtc.DataChannelInit `json:"init"`
	Text   *string                `json:"text"`
	B64    string                 `json:"b64"`
	Repeat *int                   `json:"repeat"`
}

// adapter holds what the handles stand for. Callbacks come from goroutines of the stack.
type adapter struct {
	lines       sync.Mutex
	out         *json.Encoder
	handles     sync.Mutex
	connections map[string]*webrtc.PeerConnection
	channels    map[string]*webrtc.DataChannel
}

func (a *adapter) write(message object) {
	a.lines.Lock()
	defer a.lines.Unlock()
	if err := a.out.Encode(message); err != nil {
		os.Exit(1)
	}
}

func (a *adapter) connection(handle string) (*webrtc.PeerConnection, error) {
	a.handles.Lock()
	defer a.handles.Unlock()
	if pc, ok := a.connections[handle]; ok {
		return pc, nil
	}
	return nil, fmt.Errorf("there is no %q", handle)
}

func (a *adapter) channel(handle string) (*webrtc.DataChannel, error) {
	a.handles.Lock()
	defer a.handles.Unlock()
	if dc, ok := a.channels[handle]; ok {
		return dc, nil
	}
	return nil, fmt.Errorf("there is no %q", handle)
}

func (a *adapter) reply(line []byte) {
	var asked request
	answer := object{}
	if err := json.Unmarshal(line, &asked); err != nil {
		answer["err"] = object{"name": "SyntaxError", "message": err.Error()}
	} else if ok, err := a.carryOut(&asked); err == nil {
		answer["ok"] = ok
	} else if word := unsupported(""); errors.As(err, &word) {
		answer["unsupported"] = string(word)
	} else {
		answer["err"] = object{"name": errorName(err), "message": err.Error()}
	}
	answer["id"] = asked.ID
	a.write(answer)
}

// errorName is the W3C name that pion puts before its message, where it does.
func errorName(err error) string {
	name := strings.SplitN(err.Error(), ":", 2)[0]
	if strings.HasSuffix(name, "Error") && !strings.Contains(name, " ") {
		return name
	}
	return "OperationError"
}

func (a *adapter) carryOut(asked *request) (object, error) {
	switch asked.Op {
	case "hello":
		return object{"adapter": 1, "impl": "pion", "version": version, "features": features,
			"limits": object{"maxMessageSize": 65535}}, nil
	case "case":
		fmt.Fprintln(os.Stderr, "case", asked.Name, asked.Seed)
		return object{}, nil
	case "new":
		return object{}, a.create(asked)
	case "send":
		return object{}, a.send(asked)
	case "closeChannel":
		dc, err := a.channel(asked.DC)
		if err != nil {
			return nil, err
		}
		return object{}, dc.Close()
	case "offer", "answer", "local", "remote", "candidate", "channel", "close", "state",
		"restartIce", "setConfig":
		pc, err := a.connection(asked.PC)
		if err != nil {
			return nil, err
		}
		return a.withConnection(pc, asked)
	}
	return nil, unsupported(asked.Op)
}

func (a *adapter) withConnection(pc *webrtc.PeerConnection, asked *request) (object, error) {
	switch asked.Op {
	case "offer":
		desc, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: asked.ICERestart})
		return object{"sdp": desc.SDP}, err
	case "answer":
		desc, err := pc.CreateAnswer(nil)
		return object{"sdp": desc.SDP}, err
	case "local":
		desc, err := description(asked)
		if err == nil {
			err = pc.SetLocalDescription(desc)
		}
		if err != nil {
			return nil, err
		}
		return object{"sdp": pc.LocalDescription().SDP}, nil
	case "remote":
		desc, err := description(asked)
		if err != nil {
			return nil, err
		}
		return object{}, pc.SetRemoteDescription(desc)
	case "candidate":
		// pion 3 has no word for the end of candidates: it takes them whenever they come.
		if asked.Candidate == nil || asked.Candidate.Candidate == "" {
			return object{}, nil
		}
		return object{}, pc.AddICECandidate(*asked.Candidate)
	case "channel":
		return object{}, a.createChannel(pc, asked)
	case "close":
		// If the other side was first, pion closes and says that DTLS is closed already.
		if err := pc.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close:", err)
		}
		return object{}, nil
	case "state":
		return object{
			"iceConnection": pc.ICEConnectionState().String(),
			"connection":    pc.ConnectionState().String(),
			"iceGathering":  pc.ICEGatheringState().String(),
			"signaling":     pc.SignalingState().String(),
		}, nil
	case "setConfig":
		config, err := configuration(asked.Config)
		if err != nil {
			return nil, err
		}
		return object{}, pc.SetConfiguration(config)
	}
	return nil, unsupported(asked.Op)
}

// description leaves out what pion does not do: after a rollback it cannot tell which description
// there is, and provisional answers start nothing.
func description(asked *request) (webrtc.SessionDescription, error) {
	kind := webrtc.NewSDPType(asked.Desc.Type)
	if kind != webrtc.SDPTypeOffer && kind != webrtc.SDPTypeAnswer {
		return webrtc.SessionDescription{}, unsupported(asked.Desc.Type)
	}
	return webrtc.SessionDescription{Type: kind, SDP: asked.Desc.SDP}, nil
}

func configuration(given map[string]json.RawMessage) (webrtc.Configuration, error) {
	config := webrtc.Configuration{}
	for key, value := range given {
		var err error
		switch key {
		case "iceServers":
			err = json.Unmarshal(value, &config.ICEServers)
		case "iceTransportPolicy":
			err = json.Unmarshal(value, &config.ICETransportPolicy)
		default:
			err = unsupported(key)
		}
		if err != nil {
			return config, err
		}
	}
	return config, nil
}

// settings takes the keys out that pion has beside its configuration.
func settings(given map[string]json.RawMessage) (webrtc.SettingEngine, error) {
	engine := webrtc.SettingEngine{}
	if value, ok := given["x-iceLite"]; ok {
		var lite bool
		if err := json.Unmarshal(value, &lite); err != nil {
			return engine, err
		}
		engine.SetLite(lite)
	}
	if value, ok := given["x-dtlsRole"]; ok {
		var role string
		if err := json.Unmarshal(value, &role); err != nil {
			return engine, err
		}
		roles := map[string]webrtc.DTLSRole{
			"active": webrtc.DTLSRoleClient, "passive": webrtc.DTLSRoleServer,
		}
		if err := engine.SetAnsweringDTLSRole(roles[role]); err != nil {
			return engine, err
		}
	}
	delete(given, "x-iceLite")
	delete(given, "x-dtlsRole")
	return engine, nil
}

func (a *adapter) create(asked *request) error {
	engine, err := settings(asked.Config)
	if err != nil {
		return err
	}
	config, err := configuration(asked.Config)
	if err != nil {
		return err
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine)).NewPeerConnection(config)
	if err != nil {
		return err
	}
	a.handles.Lock()
	a.connections[asked.PC] = pc
	a.handles.Unlock()
	a.watch(asked.PC, pc)
	return nil
}

func (a *adapter) watch(handle string, pc *webrtc.PeerConnection) {
	state := func(which string, value fmt.Stringer) {
		a.write(object{"ev": "state", "pc": handle, "which": which, "value": value.String()})
	}
	pc.OnICEConnectionStateChange(func(now webrtc.ICEConnectionState) { state("iceConnection", now) })
	pc.OnConnectionStateChange(func(now webrtc.PeerConnectionState) { state("connection", now) })
	pc.OnSignalingStateChange(func(now webrtc.SignalingState) { state("signaling", now) })
	pc.OnICEGatheringStateChange(func(webrtc.ICEGathererState) {
		// The gatherer's own states have other words.
		state("iceGathering", pc.ICEGatheringState())
	})
	pc.OnNegotiationNeeded(func() {
		a.write(object{"ev": "negotiationneeded", "pc": handle})
	})
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		message := object{"ev": "candidate", "pc": handle, "candidate": nil}
		if candidate != nil {
			message["candidate"] = candidate.ToJSON()
		}
		a.write(message)
	})
	count := 0
	pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		count++
		name := fmt.Sprintf("%s/r%d", handle, count)
		a.write(object{"ev": "channel", "dc": name, "label": dc.Label(),
			"protocol": dc.Protocol(), "ordered": dc.Ordered(), "sid": dc.ID(),
			"maxRetransmits": dc.MaxRetransmits(), "maxPacketLifeTime": dc.MaxPacketLifeTime()})
		a.take(name, dc)
	})
}

func (a *adapter) take(handle string, dc *webrtc.DataChannel) {
	a.handles.Lock()
	a.channels[handle] = dc
	a.handles.Unlock()
	dc.OnOpen(func() { a.write(object{"ev": "open", "dc": handle, "sid": dc.ID()}) })
	dc.OnClose(func() { a.write(object{"ev": "closed", "dc": handle}) })
	dc.OnError(func(err error) {
		a.write(object{"ev": "error", "on": handle, "name": errorName(err), "message": err.Error()})
	})
	dc.OnMessage(func(message webrtc.DataChannelMessage) {
		if message.IsString {
			a.write(object{"ev": "message", "dc": handle, "text": string(message.Data)})
		} else {
			a.write(object{"ev": "message", "dc": handle, "b64": base64.StdEncoding.EncodeToString(message.Data)})
		}
	})
}

func (a *adapter) createChannel(pc *webrtc.PeerConnection, asked *request) error {
	dc, err := pc.CreateDataChannel(asked.Label, &asked.Init)
	if err != nil {
		return err
	}
	a.take(asked.DC, dc)
	return nil
}

func (a *adapter) send(asked *request) error {
	dc, err := a.channel(asked.DC)
	if err != nil {
		return err
	}
	data, err := base64.StdEncoding.DecodeString(asked.B64)
	if err != nil {
		return err
	}
	repeat := 1
	if asked.Repeat != nil {
		repeat = *asked.Repeat
	}
	for ; repeat > 0 && err == nil; repeat-- {
		if asked.Text != nil {
			err = dc.SendText(*asked.Text)
		} else {
			err = dc.Send(data)
		}
	}
	return err
}

func main() {
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	// pion logs to os.Stdout, which is ours.
	os.Stdout = os.Stderr
	if path := os.Getenv("SSLKEYLOGFILE"); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(127)
		}
		webrtc.KeyLogWriter = file
	}
	a := &adapter{
		out:         output,
		connections: map[string]*webrtc.PeerConnection{},
		channels:    map[string]*webrtc.DataChannel{},
	}
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 1 {
			// One after the other: a description is set before the next command looks at it.
			a.reply(line)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
