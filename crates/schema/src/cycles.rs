//! Relations that depend on themselves through `none_of`.
//!
//! Such a relation has no meaning: where it holds, it does not hold. So the dependencies between the relations of a schema
//! form a graph in which an edge inside a `none_of`, at any depth, is negative; and a cycle with a negative edge is refused.

use std::collections::VecDeque;

/// The dependencies between numbered relations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    edges: Vec<Vec<Edge>>,
    has_negative: bool,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    negative: bool,
}

impl Graph {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            edges: vec![Vec::new(); nodes],
            has_negative: false,
        }
    }

    pub(crate) fn add(&mut self, from: usize, to: usize, negative: bool) {
        self.edges[from].push(Edge { to, negative });
        self.has_negative |= negative;
    }

    /// Whether any edge is negative. Without one there is nothing to search for.
    pub(crate) fn has_negative(&self) -> bool {
        self.has_negative
    }

    /// For every knot of relations that depend on one another, one cycle with a negative edge, if there is one. A cycle
    /// begins with its negative step and ends where it began.
    pub(crate) fn negative_cycles(&self) -> Vec<Vec<usize>> {
        let mut cycles = Vec::new();
        if !self.has_negative {
            return cycles;
        }
        let component = self.components();
        let mut shown = vec![false; self.edges.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            let knot = component[from];
            let negative = edges
                .iter()
                .find(|edge| edge.negative && component[edge.to] == knot);
            let Some(edge) = negative else { continue };
            if std::mem::replace(&mut shown[knot], true) {
                continue;
            }
            let mut cycle = vec![from];
            cycle.extend(self.path(edge.to, from, &component));
            cycles.push(cycle);
        }
        cycles
    }

    /// The shortest way between two relations of the same knot, both ends included.
    fn path(&self, from: usize, to: usize, component: &[usize]) -> Vec<usize> {
        let mut before: Vec<Option<usize>> = vec![None; self.edges.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if node == to {
                break;
            }
            for edge in &self.edges[node] {
                let next = edge.to;
                if component[next] == component[from] && before[next].is_none() && next != from {
                    before[next] = Some(node);
                    queue.push_back(next);
                }
            }
        }
        let mut path = vec![to];
        let mut at = to;
        while let (true, Some(node)) = (at != from, before[at]) {
            path.push(node);
            at = node;
        }
        path.reverse();
        path
    }

    /// The number of each node's strongly connected component (Tarjan, with a stack of its own).
    fn components(&self) -> Vec<usize> {
        const NEW: usize = usize::MAX;
        let nodes = self.edges.len();
        let (mut order, mut low, mut component) = (vec![NEW; nodes], vec![NEW; nodes], vec![NEW; nodes]);
        let (mut visited, mut components) = (0, 0);
        let mut stack = Vec::new();
        let mut work: Vec<(usize, usize)> = Vec::new();
        for root in 0..nodes {
            if order[root] != NEW {
                continue;
            }
            work.push((root, 0));
            while let Some((node, next)) = work.pop() {
                if next == 0 {
                    order[node] = visited;
                    low[node] = visited;
                    visited += 1;
                    stack.push(node);
                }
                if let Some(edge) = self.edges[node].get(next) {
                    work.push((node, next + 1));
                    if order[edge.to] == NEW {
                        work.push((edge.to, 0));
                    } else if component[edge.to] == NEW {
                        low[node] = low[node].min(order[edge.to]);
                    }
                    continue;
                }
                if low[node] == order[node] {
                    while let Some(member) = stack.pop() {
                        component[member] = components;
                        if member == node {
                            break;
                        }
                    }
                    components += 1;
                }
                if let Some((parent, _)) = work.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
        component
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: usize, edges: &[(usize, usize, bool)]) -> Graph {
        let mut graph = Graph::new(nodes);
        edges
            .iter()
            .for_each(|&(from, to, negative)| graph.add(from, to, negative));
        graph
    }

    #[test]
    fn only_cycles_with_a_negative_edge_count() {
        let edges = [(0, 1, false), (1, 0, false), (1, 2, true)];
        assert!(graph(3, &edges).negative_cycles().is_empty());
        assert_eq!(graph(1, &[(0, 0, true)]).negative_cycles(), [vec![0, 0]]);
    }

    #[test]
    fn a_cycle_starts_with_its_negative_step_and_is_short() {
        let edges = [
            (0, 1, false),
            (1, 2, true),
            (2, 3, false),
            (3, 0, false),
            (2, 0, false),
            (3, 4, false),
        ];
        assert_eq!(graph(5, &edges).negative_cycles(), [vec![1, 2, 0, 1]]);
    }

    #[test]
    fn every_knot_is_reported_once() {
        let edges = [(0, 1, true), (1, 0, true), (2, 3, false), (3, 2, true)];
        assert_eq!(graph(4, &edges).negative_cycles().len(), 2);
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let mut edges: Vec<_> = (0..100_000).map(|n| (n, n + 1, false)).collect();
        edges.push((100_000, 0, true));
        assert_eq!(graph(100_001, &edges).negative_cycles()[0].len(), 100_002);
    }
}
