import ClusterModel

/// The GTIDs of the last transactions that had ids, and which of them the table has not been told yet.
struct RememberedOutcomes {
    struct Entry: Equatable {
        let id: TransactionID
        let gtid: GTID
    }

    private let entriesMax: Int
    /// A ring: the entry of number n is at n modulo its length.
    private var ring: [Entry] = []
    private var numbers: [TransactionID: Int] = [:]
    /// How many there ever were.
    private var count = 0
    /// Those before this number are stored.
    private var stored = 0

    init(entriesMax: Int) { self.entriesMax = entriesMax }

    subscript(id: TransactionID) -> GTID? { numbers[id].map { ring[$0 % entriesMax].gtid } }

    mutating func remember(_ id: TransactionID, _ gtid: GTID) {
        let place = count % entriesMax
        if ring.count < entriesMax {
            ring.append(Entry(id: id, gtid: gtid))
        } else {
            let old = ring[place]
            if numbers[old.id] == count - entriesMax { numbers[old.id] = nil }
            ring[place] = Entry(id: id, gtid: gtid)
        }
        numbers[id] = count
        count += 1
        stored = max(stored, count - entriesMax)
    }

    /// The oldest that are not stored, at most so many, and what to say to `store` when they are.
    func unstored(atMost most: Int) -> (entries: [Entry], end: Int) {
        let end = min(count, stored + most)
        let entries = (stored..<end).compactMap { number in
            let entry = ring[number % entriesMax]
            // Told again under the same id, the last word counts.
            return numbers[entry.id] == number ? entry : nil
        }
        return (entries, end)
    }

    mutating func store(upTo end: Int) { stored = max(stored, min(end, count)) }
}
