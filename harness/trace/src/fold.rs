//! Many lines into few: repetitions, runs of the same kind, and a limit.

use crate::notes::Draft;
use crate::text::{Entry, Line};

/// Bulk lines in a row that are still shown one by one.
const RUN: usize = 12;

/// Folds a section and keeps it below a limit.
pub(crate) fn fold(drafts: Vec<Draft>, limit: usize) -> Vec<Entry> {
    let mut lines: Vec<Line> = Vec::new();
    let mut run: Vec<Line> = Vec::new();
    for draft in drafts {
        if draft.bulk {
            run.push(draft.line);
        } else {
            lines.extend(fold_run(std::mem::take(&mut run)));
            lines.push(draft.line);
        }
    }
    lines.extend(fold_run(run));
    cut(repeated(lines), limit)
}

/// A long run becomes one line for each kind of line in it, in order of first appearance.
fn fold_run(run: Vec<Line>) -> Vec<Line> {
    if run.len() <= RUN {
        return run;
    }
    let mut groups: Vec<(String, Vec<Line>)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for line in run {
        let key = key(&line);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(line);
    }
    groups.into_iter().map(|(_, lines)| join(lines)).collect()
}

/// What has to be the same in lines that become one.
fn key(line: &Line) -> String {
    let mut key = format!("{} {} {}|", kind(&line.cause), line.hop, stem(&line.what));
    for field in &line.fields {
        key.push_str(name(field));
        key.push(' ');
    }
    key.push_str(line.outcome.as_deref().unwrap_or("-"));
    key.push('|');
    key.push_str(line.reason.as_deref().unwrap_or("-"));
    key
}

/// A cause without its number.
fn kind(cause: &str) -> &str {
    cause.split(':').next().unwrap_or(cause)
}

/// `DATA*3` counts as `DATA`.
fn stem(what: &str) -> String {
    what.split(' ').map(|word| word.split('*').next().unwrap_or(word)).collect::<Vec<_>>().join(" ")
}

/// What of a field says which field it is; small words stand for themselves.
fn name(field: &str) -> &str {
    match field.find(['=', '(', '"']) {
        Some(at) => &field[..=at],
        None => field,
    }
}

/// One line for many of a kind: fields that differ become a range, or `*`.
fn join(lines: Vec<Line>) -> Line {
    let count = lines.len();
    let mut lines = lines.into_iter();
    let Some(mut joined) = lines.next() else { return Line::default() };
    if count == 1 {
        return joined;
    }
    let rest: Vec<Line> = lines.collect();
    let Some(last) = rest.last() else { return joined };
    for (at, field) in joined.fields.iter_mut().enumerate() {
        let all = rest.iter().all(|line| line.fields.get(at) == Some(field));
        if !all {
            let end = last.fields.get(at).map_or("", String::as_str);
            *field = range(field, end);
        }
    }
    let mut waits: Vec<u64> = rest.iter().filter_map(|line| wait(&line.cause)).collect();
    waits.extend(wait(&joined.cause));
    if let (Some(least), Some(most)) = (waits.iter().min(), waits.iter().max()) {
        let kind = kind(&joined.cause);
        joined.cause = if least == most {
            format!("{kind}:{least}")
        } else {
            format!("{kind}:{least}..{most}")
        };
    }
    joined.what = stem(&joined.what);
    joined.fields.insert(0, format!("x{count}"));
    joined
}

fn wait(cause: &str) -> Option<u64> {
    cause.split_once(':')?.1.parse().ok()
}

/// `tsn=A+3` and `tsn=A+43` as `tsn=A+3..A+43`; texts as `"*"`.
fn range(first: &str, last: &str) -> String {
    let name = name(first);
    if name.ends_with('=') && last.len() >= name.len() {
        format!("{first}..{}", last.get(name.len()..).unwrap_or_default())
    } else if name.ends_with('"') {
        "\"*\"".to_owned()
    } else {
        format!("{name}*)")
    }
}

/// Lines that say the same in a row as one with a count.
fn repeated(lines: Vec<Line>) -> Vec<Line> {
    let mut out: Vec<(Line, usize, Vec<String>)> = Vec::new();
    for line in lines {
        if let Some((last, count, causes)) = out.last_mut() {
            let same = last.hop == line.hop
                && last.what == line.what
                && last.fields == line.fields
                && last.outcome == line.outcome
                && last.consequence == line.consequence
                && last.reason == line.reason;
            if same {
                *count += 1;
                if causes.len() < 8 {
                    causes.push(line.cause);
                }
                continue;
            }
        }
        out.push((line, 1, Vec::new()));
    }
    out.into_iter().map(|(line, count, causes)| counted(line, count, &causes)).collect()
}

fn counted(mut line: Line, count: usize, causes: &[String]) -> Line {
    if count > 1 {
        line.fields.push(format!("x{count}"));
        let waits: Vec<&str> =
            causes.iter().filter_map(|cause| cause.split_once(':')).map(|(_, ms)| ms).collect();
        if let Some(cause) = causes.iter().find(|cause| cause.contains(':'))
            && !waits.is_empty()
        {
            line.fields.push(format!("{}:{}", kind(cause), waits.join(",")));
        }
    }
    line
}

/// Keeps the beginning and the end.
fn cut(lines: Vec<Line>, limit: usize) -> Vec<Entry> {
    let count = lines.len();
    if count <= limit {
        return lines.into_iter().map(Entry::Line).collect();
    }
    let tail = limit / 3;
    let head = limit - tail - 1;
    let folded = count - head - tail;
    let mut out = Vec::with_capacity(limit);
    for (at, line) in lines.into_iter().enumerate() {
        if at == head {
            out.push(Entry::Folded(folded));
        }
        if at < head || at >= head + folded {
            out.push(Entry::Line(line));
        }
    }
    out
}
