import Failover

/// The faults of a campaign, all chosen by its seed. Which node is the master when a fault comes is not in it.
package struct NemesisPlan: Sendable {
    package struct Options: Sendable {
        package var seed: UInt64
        package var rounds: Int
        /// Only some rounds, one of each main kind.
        package var isShort = false
        package var electionTimeoutMs = 1000
        /// Whether nodes choose a new master by themselves.
        package var failsOver = true
        /// What can't be done on this machine.
        package var impossible: Set<Fault.Kind> = []
        /// Names, or kinds; empty: all.
        package var only: [String] = []

        package init(seed: UInt64, rounds: Int) {
            self.seed = seed
            self.rounds = rounds
        }
    }

    private struct Card {
        let kind: Fault.Kind
        let target: Fault.Target
        init(_ kind: Fault.Kind, _ target: Fault.Target) { (self.kind, self.target) = (kind, target) }
        var name: String { "\(kind.rawValue)/\(target.rawValue)" }
    }

    /// Every deck that is dealt has all of them, so no kind stays out for long.
    private static let deck: [Card] = [
        Card(.killNode, .master), Card(.killNode, .master), Card(.killNode, .slave),
        Card(.killDatabase, .master), Card(.killDatabase, .slave),
        Card(.killBoth, .master), Card(.killBoth, .slave), Card(.killMajority, .master),
        Card(.pause, .master), Card(.pause, .slave),
        Card(.partition, .master), Card(.partition, .slave),
        Card(.partitionOut, .master), Card(.partitionOut, .slave),
        Card(.partitionIn, .master), Card(.partitionIn, .slave),
        Card(.fullDisk, .smallDisk), Card(.restartAll, .all),
    ]

    private static let shortDeck: [Card] = [
        Card(.killNode, .master), Card(.killDatabase, .slave), Card(.killBoth, .slave), Card(.pause, .master), Card(.partition, .master),
        Card(.restartAll, .all),
    ]

    /// The names that `only` may hold.
    package static var names: [String] { Fault.Kind.allCases.map(\.rawValue) + Set(deck.map(\.name)).sorted() }

    package let faults: [Fault]

    package init(_ options: Options) {
        var random = SplitMix64(seed: options.seed)
        let cards = (options.isShort ? Self.shortDeck : Self.deck).filter { card in
            !options.impossible.contains(card.kind)
                && (options.only.isEmpty || options.only.contains(card.name) || options.only.contains(card.kind.rawValue))
        }
        var faults: [Fault] = []
        while faults.count < options.rounds, !cards.isEmpty {
            for card in cards.shuffled(using: &random).prefix(options.rounds - faults.count) {
                faults.append(Self.fault(card, options, &random))
            }
        }
        self.faults = faults
    }

    private static func fault(_ card: Card, _ options: Options, _ random: inout SplitMix64) -> Fault {
        let longMax = options.isShort ? 2 : 5
        let holdMs =
            switch card.kind {
            case .killNode, .killBoth, .killMajority: Int.random(in: 100...(options.isShort ? 2000 : 6000), using: &random)
            case .killDatabase: 0
            // Longer than the timeout by far enough that its random part is over, too.
            case .pause, .partition, .partitionOut, .partitionIn:
                Int.random(in: options.electionTimeoutMs * 3 / 2...options.electionTimeoutMs * longMax, using: &random)
            case .fullDisk: Int.random(in: 2000...6000, using: &random)
            case .restartAll: Int.random(in: 0...1500, using: &random)
            }
        let pick = Int.random(in: 0...1, using: &random)
        let lasts = Bool.random(using: &random)
        let quietMs = Int.random(in: 300...(options.isShort ? 600 : 2000), using: &random)
        let fault = Fault(kind: card.kind, target: card.target, pick: pick, holdMs: holdMs, lastsUntilFailover: lasts, quietMs: quietMs)
        guard lasts, !(options.failsOver && fault.canOutlastFailover) else { return fault }
        return Fault(kind: card.kind, target: card.target, pick: pick, holdMs: holdMs, lastsUntilFailover: false, quietMs: quietMs)
    }
}
