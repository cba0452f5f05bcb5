/// What a run is to be.
package struct SimulationOptions: Sendable {
    package var seed: UInt64
    /// How many events with faults; after them the cluster has to come to rest.
    package var steps: Int
    package var broken: BrokenRule?

    package init(seed: UInt64, steps: Int, broken: BrokenRule? = nil) {
        self.seed = seed
        self.steps = steps
        self.broken = broken
    }
}

/// What became of a run.
package struct SimulationOutcome: Sendable {
    /// The first check that failed, in words.
    package var violation: String?
    package var events = 0
    package var elections = 0
    package var acknowledged = 0
    package var reads = 0
    package var crashes = 0
    package var configurations = 0

    package init() {}
}

extension SimulationOutcome {
    package mutating func add(_ other: SimulationOutcome) {
        events += other.events
        elections += other.elections
        acknowledged += other.acknowledged
        reads += other.reads
        crashes += other.crashes
        configurations += other.configurations
    }
}
