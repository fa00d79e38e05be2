//! What the server shows: the page and its scripts, and the reports there are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rtcspec_remote::Page;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What is in this program.
const OWN: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("/page.js", SCRIPT, include_str!("page.js")),
    ("/core.js", SCRIPT, include_str!("../../../adapters/javascript/core.js")),
    ("/session.js", SCRIPT, include_str!("../../../adapters/javascript/session.js")),
];

/// Pages, and the folders of reports by the numbers of their sessions.
#[derive(Debug, Default)]
pub(super) struct Pages {
    reports: Mutex<BTreeMap<u64, PathBuf>>,
}

impl Pages {
    /// A report may be shown from now on; gives its address.
    pub(super) fn publish(&self, number: u64, folder: PathBuf) -> String {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.insert(number, folder);
        format!("/report/{number}/index.html")
    }

    /// What stands at a path.
    pub(super) fn find(&self, path: &str) -> Option<Page> {
        let own = OWN.iter().find(|(own, _, _)| *own == path);
        own.map(|(_, kind, text)| Page { kind, bytes: (*text).into() })
            .or_else(|| self.file_of_report(path))
    }

    fn file_of_report(&self, path: &str) -> Option<Page> {
        let (number, file) = path.strip_prefix("/report/")?.split_once('/')?;
        let number: u64 = number.parse().ok()?;
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = reports.get(&number)?.clone();
        drop(reports);
        let file = Path::new(file);
        // Nothing above the folder of the report is shown.
        if !file.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let kind = match file.extension()?.to_str()? {
            "html" => HTML,
            "json" => "application/json",
            "xml" => "application/xml",
            "txt" | "jsonl" | "rtcstats" => TEXT,
            "pcapng" => "application/octet-stream",
            _ => return None,
        };
        fs::read(folder.join(file)).ok().map(|bytes| Page { kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_shown_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret.json"), "{}").unwrap();
        let report = folder.path().join("one");
        fs::create_dir_all(report.join("transcripts")).unwrap();
        fs::write(report.join("index.html"), "<p>").unwrap();
        fs::write(report.join("transcripts/x.1.txt"), "x").unwrap();
        let pages = Pages::default();
        assert!(pages.find("/").is_some_and(|page| page.kind == HTML));
        let href = pages.publish(1, report);
        assert_eq!(pages.find(&href).unwrap().bytes, b"<p>");
        assert_eq!(pages.find("/report/1/transcripts/x.1.txt").unwrap().kind, TEXT);
        for path in ["/report/1/../secret.json", "/report/1//etc/hosts.txt", "/report/2/index.html"]
        {
            assert_eq!(pages.find(path), None, "{path}");
        }
    }
}
