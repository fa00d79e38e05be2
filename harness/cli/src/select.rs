//! What is to be played, of all there is.

use std::sync::Arc;

use rtcspec_suite::cases::{ALL, Case};
use rtcspec_suite::plan::{Job, Selection, plan};
use rtcspec_suite::scenario::{Scenario, Variant};

use crate::exit::{Exit, Failure};
use crate::near;
use crate::players::Players;

/// What there is to select from.
pub(crate) struct Stock<'a> {
    /// The scenarios, built-in ones or somebody's own.
    pub(crate) scenarios: &'a [Arc<Scenario>],
    /// They are somebody's own.
    pub(crate) own: bool,
}

impl Stock<'_> {
    /// The jobs of a selection; every filter selects some, whatever is left out for other parts.
    pub(crate) fn jobs(
        &self,
        players: &Players,
        selection: &Selection,
    ) -> Result<Vec<Job>, Failure> {
        let cases = self.cases(&selection.filters);
        let there = self.plan(&cases, players, &Selection::default())?;
        let idle = selection.idle(&ids(&there));
        let jobs = self.plan(&cases, players, selection)?;
        if idle.is_empty() && !jobs.is_empty() {
            return Ok(jobs);
        }
        let all = self.plan(ALL, players, &Selection::default())?;
        let runs = ids(&all);
        let bare = runs.iter().map(|id| id.split(['#', '@']).next().unwrap_or_default());
        let known: Vec<&str> = bare.chain(runs.iter().copied()).collect();
        let idle: Vec<String> = idle
            .iter()
            .map(|filter| {
                format!("nothing is selected by `{filter}`{}", near::hint(filter, &known))
            })
            .collect();
        let told = if idle.is_empty() { "nothing is selected".to_owned() } else { idle.join("; ") };
        let message =
            format!("{told}; `rtcspec list scenarios` and `rtcspec list cases` show what there is");
        Err(Failure { exit: Exit::Nothing, message })
    }

    fn plan(
        &self,
        cases: &[&'static Case],
        players: &Players,
        selection: &Selection,
    ) -> Result<Vec<Job>, Failure> {
        plan(self.scenarios, cases, &players.all, &players.under_test, selection)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// The cases there are to choose from: beside somebody's own scenarios those that filters name.
    fn cases(&self, filters: &[String]) -> Vec<&'static Case> {
        let wanted = |case: &&'static Case| filters.iter().any(|filter| self.names(filter, case));
        ALL.iter().copied().filter(|case| !self.own || wanted(case)).collect()
    }

    /// Whether a filter is the id of a case or of its run, or begins its id and means no scenario.
    fn names(&self, filter: &str, case: &Case) -> bool {
        let mut runs = case.roles.all().iter().map(|role| case.run_id(*role));
        let named = filter == case.id || runs.any(|run| run == filter);
        let head = filter.split('*').next().unwrap_or_default();
        let means = Selection { filters: vec![filter.to_owned()], ..Selection::default() };
        let begins = || {
            !head.is_empty()
                && case.id.starts_with(head)
                && !self.scenarios.iter().any(|scenario| means.wants(&scenario.id))
        };
        named || begins()
    }
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}

/// The scenario of an id, or of the id of one of its runs, and which of its variants that is about.
pub(crate) fn scenario<'s>(
    scenarios: &'s [Arc<Scenario>],
    id: &str,
) -> Option<(&'s Arc<Scenario>, Option<&'s Variant>)> {
    let find = |id: &str| scenarios.iter().find(|scenario| scenario.id == id);
    if let Some(scenario) = find(id) {
        return Some((scenario, None));
    }
    let run = without_role(id);
    let (name, values) = run.split_once('#').unwrap_or((run, ""));
    let scenario = find(name)?;
    let mut variants = scenario.variants.iter();
    let variant = match values {
        "" => None,
        values => Some(variants.find(|variant| variant.suffix() == values)?),
    };
    Some((scenario, variant))
}

/// The id of a run without who played what.
pub(crate) fn without_role(id: &str) -> &str {
    let roles = ["@offerer", "@answerer"];
    roles.iter().find_map(|role| id.strip_suffix(*role)).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use rtcspec_suite::scenario::read;

    use super::*;
    use crate::players::{Asked, all};

    const TEXT: &str = r#"schema = 1
name   = "mine"
tests  = []
limit  = "20s"
[link.alice]
[peer.alice]
on   = "wan"
runs = "under-test"
role = "offerer"
[peer.bob]
on   = "wan"
runs = "under-test"
[matrix]
"link.alice.mtu" = [1280, 1400]
[[do]]
connect = ["alice", "bob"]
"#;

    fn own(id: &str) -> Vec<Arc<Scenario>> {
        vec![Arc::new(
            read(id, TEXT).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error))),
        )]
    }

    /// The ids of what is selected, without what is told of roles and values.
    fn selected(scenarios: &[Arc<Scenario>], filters: &[&str]) -> Result<Vec<String>, String> {
        let reference = all().swap_remove(0);
        let under_test = vec![reference];
        let players = Players { all: all(), under_test, asked: Asked::default() };
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        let selection = Selection { filters, ..Selection::default() };
        let jobs = Stock { scenarios, own: true }.jobs(&players, &selection);
        let mut ids: Vec<String> = jobs
            .map_err(|failure| failure.message)?
            .iter()
            .map(|job| job.id.split(['@', '#']).next().unwrap_or_default().to_owned())
            .collect();
        ids.dedup();
        Ok(ids)
    }

    #[test]
    fn cases_are_run_beside_somebodys_own_scenarios_only_if_filters_name_them() {
        let own = own("stun/mine");
        assert_eq!(selected(&own, &[]), Ok(vec!["stun/mine".to_owned()]));
        for filter in ["stun/", "mine", "*", "s", "stun/*"] {
            assert_eq!(selected(&own, &[filter]), Ok(vec!["stun/mine".to_owned()]), "{filter}");
        }
        for filter in ["stun/bad-fingerprint", "stun/bad-fingerprint@offerer", "stun/bad-f*"] {
            let named = Ok(vec!["stun/bad-fingerprint".to_owned()]);
            assert_eq!(selected(&own, &[filter]), named, "{filter}");
        }
        let both = selected(&own, &["mine", "dcep/duplicate-open"]);
        assert_eq!(both, Ok(vec!["stun/mine".to_owned(), "dcep/duplicate-open".to_owned()]));
        assert!(selected(&own, &["dcep/"]).is_ok_and(|ids| ids.len() > 5), "it means no scenario");
    }

    #[test]
    fn each_filter_that_selects_nothing_is_told_with_what_is_near() {
        let told = selected(&own("nat/mine"), &["mine", "nat/mne", "stun/bad-fingerprnt"]);
        let told = told.expect_err("two select nothing");
        assert!(told.contains("by `nat/mne`; did you mean `nat/mine"), "{told}");
        assert!(told.contains("by `stun/bad-fingerprnt`; did you mean `stun/bad-f"), "{told}");
        assert!(!told.contains("by `mine`"), "{told}");
    }

    #[test]
    fn the_id_of_a_run_is_as_good_as_that_of_its_scenario() {
        let own = own("nat/mine");
        let of = |id: &str| {
            let (scenario, variant) = scenario(&own, id)?;
            Some((scenario.id.clone(), variant.map(Variant::suffix)))
        };
        let found = |values: Option<&str>| Some(("nat/mine".to_owned(), values.map(str::to_owned)));
        assert_eq!(of("nat/mine"), found(None));
        let values = "link.alice.mtu=1400";
        assert_eq!(of(&format!("nat/mine#{values}")), found(Some(values)));
        assert_eq!(of(&format!("nat/mine#{values}@offerer")), found(Some(values)));
        assert_eq!(of("nat/mine#link.alice.mtu=1"), None);
        assert_eq!(of("nat/other"), None);
    }
}
