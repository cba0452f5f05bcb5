import ClusterModel

/// What a setting's value must look like: how it is read from JSON and written back, and the words for both.
struct ValueForm<Value: Equatable & Sendable>: Sendable {
    enum Reading: Sendable {
        case value(Value)
        /// Not of this form at all.
        case mismatch
        /// Wrong in parts; each is told by itself.
        case faults([Fault])
    }

    /// What is wrong with a part of a value.
    struct Fault: Sendable {
        let name: String
        let place: Place
        let message: String
    }

    /// To stand after "must be", and in the table of the documentation.
    let words: String
    var readsNumbers = false
    let read: @Sendable (JSONValue) -> Reading
    /// Nil for a value that is not set.
    let write: @Sendable (Value) -> String?
}

extension ValueForm {
    /// A form whose values have no parts.
    init(
        _ words: String, readsNumbers: Bool = false, read: @escaping @Sendable (JSONValue.Content) -> Value?,
        write: @escaping @Sendable (Value) -> String?
    ) {
        self.init(words: words, readsNumbers: readsNumbers, read: { read($0.content).map(Reading.value) ?? .mismatch }, write: write)
    }

    /// The same form for a setting that may be left out.
    func orNone() -> ValueForm<Value?> {
        ValueForm<Value?>(
            words: words, readsNumbers: readsNumbers,
            read: { json in
                switch read(json) {
                case .value(let value): .value(value)
                case .mismatch: .mismatch
                case .faults(let faults): .faults(faults.map { .init(name: $0.name, place: $0.place, message: $0.message) })
                }
            },
            write: { $0.flatMap(write) })
    }
}

extension ValueForm<Int> {
    static func whole(_ range: ClosedRange<Int>, words: String? = nil) -> Self {
        Self(
            words ?? "\(range.lowerBound) to \(range.upperBound)", readsNumbers: true,
            read: { content in
                guard case .number(let text) = content, let value = Int(text), range.contains(value) else { return nil }
                return value
            },
            write: { String($0) })
    }
}

extension ValueForm<Bool> {
    static var flag: Self {
        Self(
            "true or false",
            read: { content in
                guard case .bool(let value) = content else { return nil }
                return value
            },
            write: { String($0) })
    }
}

extension ValueForm<String> {
    /// A text that all of `holds` is true of.
    static func text(_ words: String, where holds: @escaping @Sendable (String) -> Bool) -> Self {
        Self(
            words,
            read: { content in
                guard case .string(let text) = content, holds(text) else { return nil }
                return text
            },
            write: { $0 })
    }

    /// A file or folder; relative ones start at the working directory.
    static var path: Self { text("a path of 1 to 4095 bytes") { (1...4095).contains($0.utf8.count) && !$0.utf8.contains(0) } }
}

extension ValueForm<CommitAcks> {
    static var acks: Self {
        Self(
            "0 to \(CommitAcks.slavesMax), or \"majority\"", readsNumbers: true,
            read: { content in
                switch content {
                case .number(let text): Int(text).flatMap { (0...CommitAcks.slavesMax).contains($0) ? .slaves($0) : nil }
                case .string("majority"): .majority
                default: nil
                }
            },
            write: { acks in
                switch acks {
                case .automatic: nil
                case .slaves(let count): "\(count)"
                case .majority: "\"majority\""
                }
            })
    }
}

extension ValueForm<NodeID> {
    static var nodeID: Self {
        Self(
            "1 to 254", readsNumbers: true,
            read: { content in
                guard case .number(let text) = content else { return nil }
                return NodeID(text).flatMap { $0 <= .max ? $0 : nil }
            },
            write: { $0.description })
    }
}

extension ValueForm<NodeAddress> {
    /// With port 0 only where the system may choose one.
    static func address(words: String, port: PartialRangeFrom<UInt16>) -> Self {
        Self(
            words,
            read: { content in
                guard case .string(let text) = content, text.utf8.count <= 300, let address = NodeAddress(text) else { return nil }
                return port.contains(address.port) ? address : nil
            },
            write: { $0.description })
    }
}

extension ValueForm<Secret> {
    static func secret(_ bytes: ClosedRange<Int>) -> Self {
        Self(
            "a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes",
            read: { content in
                guard case .string(let text) = content, bytes.contains(text.utf8.count) else { return nil }
                return Secret(bytes: Array(text.utf8))
            },
            write: { $0.description })
    }
}

extension ValueForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the words of an enum.
    static var choice: Self {
        let names = Value.allCases.map { quoted($0.rawValue) }
        return Self(
            names.dropLast().joined(separator: ", ") + " or " + (names.last ?? ""),
            read: { content in
                guard case .string(let text) = content else { return nil }
                return Value(rawValue: text)
            },
            write: { $0.rawValue })
    }
}
