//! Scenario files that are wrong, and what a person is told.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use rtcspec_suite::scenario::{ScenarioError, read};

const GOOD: &str = r#"schema = 1
name   = "two homes"
tests  = ["RFC 8445 §7.3"]
limit  = "20s"

[servers.stun]
at   = "wan"
kind = "stun"

[nat.home]
preset  = "home"
inside  = "lan-a"
outside = "wan"

[peer.alice]
on   = "lan-a"
runs = "reference"
role = "offerer"
ice  = { servers = ["stun"] }

[peer.bob]
on   = "wan"
runs = "under-test"

[[do]]
connect = ["alice", "bob"]

[[expect]]
connected = { within = "2s" }
"#;

fn refuse(from: &str, to: &str) -> ScenarioError {
    assert!(GOOD.contains(from), "the good file has `{from}`");
    read("test/bad", &GOOD.replace(from, to)).expect_err("the file is wrong")
}

fn shown(error: &ScenarioError) -> String {
    let mut text = String::new();
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    handler.render_report(&mut text, error).expect("rendering to a string works");
    text
}

/// The first problem: its message, the text it points at, its help.
fn first(error: &ScenarioError, from: &str, to: &str) -> (String, String, String) {
    let text = GOOD.replace(from, to);
    let problem = &error.problems[0];
    let place = problem.span.clone().map_or(String::new(), |span| text[span].to_owned());
    (problem.message.clone(), place, problem.help.clone().unwrap_or_default())
}

/// Files under `bad/`, each wrong in one way, and beside each the whole text a person is shown.
#[test]
fn every_bad_file_is_refused_with_a_text_to_act_on() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).expect("text");
        let error = read(&format!("bad/{name}"), &text).expect_err(&name);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(error.to_string());
        settings.bind(|| insta::assert_snapshot!(name, shown(&error)));
    }
}

#[test]
fn the_good_file_is_good() {
    let scenario = read("test/good", GOOD).unwrap();
    assert_eq!(scenario.variants.len(), 1);
    assert_eq!(scenario.file.peer.len(), 2);
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let (from, to) = ("outside = \"wan\"", "outsid = \"wan\"");
    let error = refuse(from, to);
    let (message, place, help) = first(&error, from, to);
    assert_eq!(message, "unknown field `outsid`");
    assert_eq!(place, "outsid");
    assert_eq!(help, "did you mean `outside`?");
    let text = shown(&error);
    assert!(text.contains("test/bad.toml:13"), "{text}");
}

#[test]
fn an_unknown_word_names_the_nearest_one() {
    let (from, to) = ("preset  = \"home\"", "mapping = \"endpoint-independant\"");
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "unknown variant `endpoint-independant`");
    assert_eq!(help, "did you mean `endpoint-independent`?");
}

#[test]
fn an_unknown_preset_names_the_nearest_one() {
    let (from, to) = ("preset  = \"home\"", "preset  = \"symetric\"");
    let (message, place, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "there is no NAT preset `symetric`");
    assert_eq!(place, "\"symetric\"");
    assert_eq!(help, "did you mean `symmetric`?");
}

#[test]
fn a_quantity_without_its_unit_shows_how_to_write_it() {
    let (from, to) = ("within = \"2s\"", "within = \"2\"");
    let (message, place, _) = first(&refuse(from, to), from, to);
    assert_eq!(message, "`2` is not a time; write it like `20ms` or `1.5s`");
    assert_eq!(place, "\"2\"");
}

#[test]
fn a_number_where_a_quantity_belongs_is_explained() {
    let (from, to) = ("limit  = \"20s\"", "limit  = 20");
    let (message, place, _) = first(&refuse(from, to), from, to);
    assert!(message.contains("expected a time with its unit, like \"20ms\""), "{message}");
    assert_eq!(place, "20");
}

#[test]
fn a_peer_on_a_segment_nobody_mentions_is_told_of_the_near_one() {
    let (from, to) = ("on   = \"lan-a\"", "on   = \"lan-b\"");
    let (message, place, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "peer `alice` is on `lan-b`, a segment nothing else mentions");
    assert_eq!(place, "\"lan-b\"");
    assert_eq!(help, "did you mean `lan-a`?");
}

#[test]
fn a_peer_that_does_not_exist_is_named_with_the_ones_that_do() {
    let (from, to) = ("connect = [\"alice\", \"bob\"]", "connect = [\"alice\", \"carol\"]");
    let (message, place, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "there is no peer `carol`");
    assert_eq!(place, "\"carol\"");
    assert_eq!(help, "known here: `alice`, `bob`");
}

#[test]
fn a_nat_between_a_segment_and_itself_is_impossible() {
    let (from, to) = ("outside = \"wan\"", "outside = \"lan-a\"");
    let (message, _, _) = first(&refuse(from, to), from, to);
    assert_eq!(message, "nat.home has `lan-a` on both sides");
}

#[test]
fn nats_in_a_circle_are_impossible() {
    let from = "outside = \"wan\"\n";
    let to = "outside = \"isp\"\n\n[nat.carrier]\ninside = \"isp\"\noutside = \"lan-a\"\n";
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert!(message.contains("runs in a circle"), "{message}");
    assert!(help.contains("wan"), "{help}");
}

#[test]
fn two_exits_of_one_segment_are_impossible() {
    let from = "[peer.alice]";
    let to = "[nat.second]\ninside = \"lan-a\"\noutside = \"wan\"\n\n[peer.alice]";
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "segment `lan-a` has two exits: nat.home and nat.second");
    assert!(help.contains("nest"), "{help}");
}

#[test]
fn a_step_with_two_verbs_is_asked_to_split() {
    let (from, to) =
        ("connect = [\"alice\", \"bob\"]", "connect = [\"alice\", \"bob\"]\nclose = \"bob\"");
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "this step has 2 verbs: connect, close");
    assert!(help.contains("[[do]]"), "{help}");
}

#[test]
fn a_time_after_a_step_that_does_not_exist_names_the_known_points() {
    let (from, to) = ("[[expect]]\n", "[[expect]]\nafter = \"conected + 1s\"\n");
    let (message, place, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "there is no earlier step `conected`");
    assert_eq!(place, "\"conected + 1s\"");
    assert_eq!(help, "did you mean `connected`?");
}

#[test]
fn a_server_that_does_not_exist_is_named() {
    let (from, to) = ("servers = [\"stun\"]", "servers = [\"turn?transport=tcp\"]");
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "there is no server `turn?transport=tcp`");
    assert!(help.contains("stun"), "{help}");
}

#[test]
fn a_matrix_key_that_leads_nowhere_names_the_near_one() {
    let (from, to) = ("[[do]]", "[matrix]\n\"nat.hom.ports\" = [\"random\"]\n\n[[do]]");
    let (message, place, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "matrix key `nat.hom.ports`: there is no section `hom`");
    assert_eq!(place, "[matrix]");
    assert_eq!(help, "did you mean `home`?");
}

// Found while writing the fuzz target scenario_file: all combinations were made, then counted.
#[test]
fn a_matrix_of_more_runs_than_memory_holds_is_counted_and_refused() {
    let keys: String = (0..30).map(|n| format!("k{n} = [1, 2, 3, 4, 5, 6, 7, 8]\n")).collect();
    let (from, to) = ("[[do]]", format!("[matrix]\n{keys}\n[[do]]"));
    let (message, place, _) = first(&refuse(from, &to), from, &to);
    assert_eq!(message, format!("the matrix unfolds into {} runs", usize::MAX));
    assert_eq!(place, "[matrix]");
}

#[test]
fn a_matrix_value_of_the_wrong_kind_says_with_which_value() {
    let (from, to) = ("[[do]]", "[matrix]\n\"nat.home.hairpin\" = [\"outward\"]\n\n[[do]]");
    let (message, _, _) = first(&refuse(from, to), from, to);
    assert!(message.starts_with("with nat.home.hairpin = \"outward\""), "{message}");
}

#[test]
fn several_problems_are_told_at_once_in_file_order() {
    let text =
        GOOD.replace("outside = \"wan\"", "outside = \"lan-a\"").replace("\"bob\"]", "\"bub\"]");
    let error = read("test/bad", &text).unwrap_err();
    assert!(error.problems.len() >= 2);
    assert_eq!(error.related().into_iter().flatten().count(), error.problems.len());
    let starts: Vec<_> =
        error.problems.iter().filter_map(|p| p.span.as_ref()).map(|s| s.start).collect();
    assert!(starts.is_sorted());
}

#[test]
fn a_delivery_is_that_of_a_step_which_sends() {
    let to = "connect = [\"alice\", \"bob\"]\nname = \"begin\"\n\n[[do]]\nafter = \"begin delivered\"\n\
              send = { from = \"alice\", size = 1 }";
    let from = "connect = [\"alice\", \"bob\"]";
    let (message, place, _) = first(&refuse(from, to), from, to);
    assert_eq!(message, "step `begin` sends nothing that could be delivered");
    assert_eq!(place, "\"begin delivered\"");
}

#[test]
fn a_message_has_one_content_that_can_be_read() {
    let from = "connect = [\"alice\", \"bob\"]";
    let step = |content: &str| {
        format!("{from}\n\n[[do]]\nafter = \"open\"\nsend = {{ from = \"alice\", {content} }}")
    };
    let both = step("text = \"a\", base64 = \"AA==\"");
    assert_eq!(first(&refuse(from, &both), from, &both).0, "a message has one content");
    let odd = step("base64 = \"A\"");
    let (message, _, help) = first(&refuse(from, &odd), from, &odd);
    assert!(message.starts_with("`base64` cannot be read"), "{message}");
    assert!(help.contains("RFC 4648"), "{help}");
}

#[test]
fn a_link_or_firewall_of_nobody_is_told_with_its_place() {
    for (section, what) in [
        ("link", "link `hom` is nobody's outer side"),
        ("firewall", "firewall `hom` protects nothing of that name"),
    ] {
        let (from, to) = ("[[do]]", format!("[{section}.hom]\n\n[[do]]"));
        let error = refuse(from, &to);
        let (message, place, help) = first(&error, from, &to);
        assert_eq!((message.as_str(), place.as_str()), (what, "hom"));
        assert_eq!(help, "did you mean `home`?");
        assert!(shown(&error).contains("test/bad.toml:25"), "{}", shown(&error));
    }
}

#[test]
fn who_connects_are_two() {
    let from = "connect = [\"alice\", \"bob\"]";
    for (to, told, second) in [
        ("connect = [\"alice\", \"alice\"]", "`connect` is for two peers", Some("\"alice\"")),
        ("connect = [\"alice\"]", "`connect` is for two peers", None),
        ("glare = [\"bob\", \"bob\"]", "`glare` is for two peers", Some("\"bob\"")),
    ] {
        let (message, place, help) = first(&refuse(from, to), from, to);
        assert_eq!(message, told);
        assert!(second.is_none_or(|second| place == second), "{place}");
        assert!(help.contains("<offerer>"), "{help}");
    }
}

#[test]
fn a_leg_of_a_relay_is_that_of_a_peer() {
    let from = "connected = { within = \"2s\" }";
    let to = "relay = { via = \"stun\", legs = { alcie = \"tcp\" } }";
    let (message, _, help) = first(&refuse(from, to), from, to);
    assert_eq!(message, "there is no peer `alcie`");
    assert_eq!(help, "did you mean `alice`?");
}

#[test]
fn a_channel_that_nobody_opens_is_told_of_the_near_one() {
    let more = |words: &str| {
        let steps = "[[do]]\nchannel = { from = \"bob\", label = \"extra\" }\n\n[[do]]\nchannel = \
                     { from = \"bob\", label = \"c\", count = 3 }\n";
        format!("{steps}\n{words}\n\n[[expect]]\n")
    };
    for words in [
        "[[do]]\nsend = { from = \"bob\", channel = \"exra\", size = 1 }",
        "[[do]]\nclose-channel = { from = \"bob\", label = \"exra\" }",
        "[[expect]]\ndelivered = { to = \"alice\", channel = \"exra\", messages = 1 }",
        "[[expect]]\nchannel = { peer = \"alice\", label = \"exra\", opened = 0 }",
    ] {
        let (from, to) = ("[[expect]]\n", more(words));
        let (message, _, help) = first(&refuse(from, &to), from, &to);
        assert_eq!(message, "there is no channel `exra`", "{words}");
        assert_eq!(help, "did you mean `extra`?", "{words}");
    }
    for words in [
        "[[do]]\nsend = { from = \"bob\", channel = \"c-2\", size = 1 }",
        "[[expect]]\nchannel = { peer = \"alice\", label = \"c-*\", opened = 3 }",
        "[[expect]]\ndelivered = { to = \"alice\", messages = 0 }",
    ] {
        let text = GOOD.replace("[[expect]]\n", &more(words));
        assert!(read("test/good", &text).is_ok(), "{words}");
    }
}
