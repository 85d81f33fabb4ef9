//! Which equations depend on each other: strongly connected components, found without recursion.

use std::collections::{BTreeMap, BTreeSet};

use super::Node;
use super::formula::{Formula, Rules};

/// The equations that one relation depends on.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) formulas: BTreeMap<Node, Formula>,
    /// The component of each node.
    component: BTreeMap<Node, usize>,
    /// Components of more than one node, or of one that refers to itself.
    recursive: BTreeSet<usize>,
}

impl Graph {
    /// Everything that `start` depends on, itself included.
    pub(crate) fn of(rules: &Rules, start: &Node) -> Self {
        let mut formulas = BTreeMap::new();
        let mut open = vec![start.clone()];
        while let Some(node) = open.pop() {
            if formulas.contains_key(&node) {
                continue;
            }
            let formula = rules.formula(&node);
            formula.references(&mut |far, _| open.push(far.clone()));
            formulas.insert(node, formula);
        }
        let mut graph = Self {
            formulas,
            component: BTreeMap::new(),
            recursive: BTreeSet::new(),
        };
        graph.find_components();
        graph
    }

    /// Whether a relation depends on itself.
    pub(crate) fn is_recursive(&self, node: &Node) -> bool {
        self.component
            .get(node)
            .is_some_and(|component| self.recursive.contains(component))
    }

    /// Whether two relations depend on each other.
    pub(crate) fn together(&self, a: &Node, b: &Node) -> bool {
        self.component.get(a) == self.component.get(b) && self.is_recursive(a)
    }

    /// The relations that depend on each other with this one, in order.
    pub(crate) fn members(&self, node: &Node) -> Vec<Node> {
        self.formulas
            .keys()
            .filter(|other| self.together(node, other))
            .cloned()
            .collect()
    }

    fn references(&self, node: &Node) -> Vec<Node> {
        let mut out = Vec::new();
        if let Some(formula) = self.formulas.get(node) {
            formula.references(&mut |far, _| out.push(far.clone()));
        }
        out
    }

    /// Kosaraju: an order of finishing, then the reversed graph in the reverse of that order.
    fn find_components(&mut self) {
        let mut reversed: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for node in self.formulas.keys() {
            for far in self.references(node) {
                reversed.entry(far).or_default().push(node.clone());
            }
        }
        let order = self.finishing_order();
        let mut count = 0;
        for root in order.into_iter().rev() {
            if self.component.contains_key(&root) {
                continue;
            }
            let mut open = vec![root];
            let mut size = 0;
            while let Some(node) = open.pop() {
                if self.component.contains_key(&node) {
                    continue;
                }
                size += 1;
                if self.references(&node).contains(&node) {
                    self.recursive.insert(count);
                }
                open.extend(reversed.get(&node).into_iter().flatten().cloned());
                self.component.insert(node, count);
            }
            if size > 1 {
                self.recursive.insert(count);
            }
            count += 1;
        }
    }

    fn finishing_order(&self) -> Vec<Node> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for root in self.formulas.keys() {
            let mut work = vec![(root.clone(), false)];
            while let Some((node, finished)) = work.pop() {
                if finished {
                    order.push(node);
                    continue;
                }
                if !seen.insert(node.clone()) {
                    continue;
                }
                work.push((node.clone(), true));
                work.extend(self.references(&node).into_iter().map(|far| (far, false)));
            }
        }
        order
    }
}
