//! Every cell of every matrix.

use std::collections::BTreeMap;

use crate::oracle::{Cell, Options, Variant, Verdict, edges, grid};

const OUTCOMES: &str = include_str!("outcomes.md");

/// Tables by the variant in their heading, each as (row, column) -> cell.
fn tables() -> BTreeMap<Variant, BTreeMap<(String, String), String>> {
    let mut tables: BTreeMap<Variant, BTreeMap<_, _>> = BTreeMap::new();
    let (mut variant, mut columns) = (None, Vec::new());
    for line in OUTCOMES.lines() {
        if let Some(heading) = line.strip_prefix("## filter scope ") {
            let (scope, binding) = heading.split_once(", reply binding ").unwrap();
            variant = Some(Variant {
                filter_scope: scope.parse().unwrap(),
                reply_binding: binding.parse().unwrap(),
            });
            columns.clear();
        } else if let (Some(variant), Some(row)) = (variant, line.strip_prefix('|')) {
            let mut words = row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned());
            let name = words.next().unwrap();
            if columns.is_empty() {
                columns = words.collect();
            } else if !name.starts_with('-') {
                let cells = columns.iter().cloned().map(|column| (name.clone(), column)).zip(words);
                tables.entry(variant).or_default().extend(cells);
            }
        }
    }
    tables
}

/// A cell as the tables write it; without types where they have none.
fn written(cell: &Cell, with_types: bool) -> String {
    let mut text = cell.verdict.letter().to_string();
    if with_types && cell.verdict == Verdict::Direct {
        let types = cell.types[0].iter();
        let types: Vec<String> =
            types.map(|t| format!("{}/{}", t.local.letter(), t.remote.letter())).collect();
        text = format!("{text} {}", types.join(" "));
    }
    text
}

#[test]
fn every_variant_has_the_outcomes_of_its_table() {
    let tables = tables();
    assert_eq!(tables.len(), 6);
    let mut wrong = Vec::new();
    let mut cells = 0;
    for variant in Variant::all() {
        let table = &tables[&variant];
        let with_types = variant == Variant::default();
        let edges = edges(variant);
        let grid = grid(edges.clone(), &Options::quick()).unwrap();
        for (a, row) in edges.iter().zip(&grid.cells) {
            for (b, cell) in edges.iter().zip(row) {
                let Some(expected) = table.get(&(a.name.clone(), b.name.clone())) else { continue };
                let found = written(cell, with_types);
                cells += 1;
                if found != *expected {
                    wrong.push(format!(
                        "{variant:?} {} x {}: {found}, not {expected} {:?}",
                        a.name, b.name, cell.orders
                    ));
                }
            }
        }
    }
    assert_eq!(cells, 14 * 14 + 5 * 9 * 9);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_usual_matrix_prints_as_its_table_is_written() {
    let grid = grid(edges(Variant::default()), &Options::quick()).unwrap();
    assert!(OUTCOMES.contains(&grid.to_string()), "{grid}");
}
