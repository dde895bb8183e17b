//! Statements through the whole planner, against connectors that hold nothing.

mod planner {
    mod connectors;
    mod graphs;
    mod refused;
    mod statements;
}
