import ClusterModel

extension Frame {
    /// The largest frame: one event of the largest size MariaDB logs, and its head.
    package static let bytesMax = 1 << 30 + 1 << 20
    /// Frames other than events are small; a peer that says otherwise is mistaken.
    package static let smallBytesMax = 1 << 20
    static let nodesMax = 1000
    static let membersBytesMax = 256 << 10
    /// Of a log's writers that are told; a log of more changes of master tells the last ones.
    package static let writersMax = 4096
    /// Of events, before they are compressed: that takes some ten milliseconds, during which the node does nothing else.
    static let packedEventBytesMax = 256 << 10
    /// Of a snapshot's stream.
    package static let snapshotPieceBytesMax = 256 << 10
    static let eventsKind = Kind.events.rawValue

    private enum Kind: UInt8 {
        case challenge = 1
        case hello, welcome, refused, resume, events, gone, beat, ack, packedEvents, committed, snapshotWanted, snapshotQueued, snapshotData,
            snapshotDone, readIndex, readAnswer, ask, told, notTold, resumeAt, members
    }

    /// Appends the frame as it goes over the wire.
    package func encode(into out: inout [UInt8]) {
        if case .events(let events) = self { return Frame.append(.events, events, to: &out) }
        if case .snapshotData(let piece) = self { return Frame.append(.snapshotData, piece, to: &out) }
        var writer = ByteWriter()
        let kind = write(&writer)
        Frame.append(kind, writer.bytes, to: &out)
    }

    private static func append(_ kind: Kind, _ fields: [UInt8], to out: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(fields.count + 1).littleEndian) { out.append(contentsOf: $0) }
        out.append(kind.rawValue)
        out.append(contentsOf: fields)
    }

    private func write(_ w: inout ByteWriter) -> Kind {
        switch self {
        case .challenge(let value):
            w.string(value.cluster)
            w.number(value.master.rawValue)
            w.number(value.epoch.rawValue)
            w.number(UInt8(value.secured ? 1 : 0))
            w.string(value.nonce)
            return .challenge
        case .hello(let value):
            for text in [value.cluster, value.uuid, value.address] { w.string(text) }
            w.number(value.id)
            w.string(value.nonce)
            w.string(value.proof)
            w.number(UInt8(value.isWitness ? 1 : 0))
            return .hello
        case .welcome(let value):
            w.number(value.id.rawValue)
            w.string(value.proof)
            return .welcome
        case .refused(let value):
            w.number(value.reason.rawValue)
            w.string(value.words)
            w.string(value.master)
            return .refused
        case .resume(let ends):
            w.number(UInt32(ends.count))
            for end in ends { w.position(Position(end)) }
            return .resume
        case .resumeAt(let position):
            w.position(position)
            return .resumeAt
        case .members(let text):
            w.string(text)
            return .members
        case .events(let events):
            w.bytes = events
            return .events
        case .packedEvents(let count, let bytes):
            w.number(count)
            w.bytes += bytes
            return .packedEvents
        case .gone(let words):
            w.string(words)
            return .gone
        case .beat(let value):
            w.position(value.position)
            w.commitment(value.committed)
            w.number(value.number)
            w.number(value.clockMs)
            w.number(UInt32(value.nodes.count))
            for node in value.nodes { w.node(node) }
            return .beat
        case .ack(let value):
            w.position(value.received)
            w.position(value.applied)
            w.string(value.state)
            w.number(value.beat)
            w.string(value.members)
            return .ack
        case .readIndex(let number):
            w.number(number)
            return .readIndex
        case .readAnswer(let number, let position, let refusal):
            w.number(number)
            w.position(position)
            w.string(refusal)
            return .readAnswer
        case .committed(let commitment):
            w.commitment(commitment)
            return .committed
        case .snapshotWanted(let kind):
            // Without a field, as a version asks that knows one kind only.
            if kind != .physical { w.number(kind.rawValue) }
            return .snapshotWanted
        case .snapshotQueued(let ahead):
            w.number(ahead)
            return .snapshotQueued
        case .snapshotData(let piece):
            w.bytes = piece
            return .snapshotData
        case .snapshotDone(let value):
            w.number(value.bytes)
            w.string(value.digest)
            w.position(value.position)
            return .snapshotDone
        case .ask(let fields):
            w.fields(fields)
            return .ask
        case .told(let rows):
            w.number(UInt32(rows.count))
            for row in rows { w.fields(row) }
            return .told
        case .notTold(let fields):
            w.fields(fields)
            return .notTold
        }
    }

    /// Nil when the bytes are no frame of a kind this version knows.
    static func decode(kind: UInt8, _ bytes: UnsafeRawBufferPointer) -> Frame? {
        guard let kind = Kind(rawValue: kind) else { return nil }
        if kind == .events { return .events(Array(bytes)) }
        if kind == .snapshotData { return bytes.count <= snapshotPieceBytesMax ? .snapshotData(Array(bytes)) : nil }
        var r = ByteReader(bytes)
        if kind == .packedEvents {
            guard let count = r.number(UInt32.self), count <= packedEventBytesMax else { return nil }
            return .packedEvents(count: count, Array(bytes[MemoryLayout<UInt32>.size...]))
        }
        guard let frame = read(kind, &r), r.isAtEnd else { return nil }
        return frame
    }

    private static func read(_ kind: Kind, _ r: inout ByteReader) -> Frame? {
        switch kind {
        case .challenge:
            guard let cluster = r.string(), let master = r.number(UInt32.self).flatMap(NodeID.init(rawValue:)), let epoch = r.number(UInt64.self),
                let secured = r.number(UInt8.self), let nonce = r.bytes(max: 64)
            else { return nil }
            return .challenge(Challenge(cluster: cluster, master: master, epoch: Epoch(rawValue: epoch), secured: secured != 0, nonce: nonce))
        case .hello:
            guard let cluster = r.string(), let uuid = r.string(max: 64), let address = r.string(), let id = r.number(UInt32.self),
                let nonce = r.bytes(max: 64), let proof = r.bytes(max: 64), let isWitness = r.number(UInt8.self)
            else { return nil }
            return .hello(Hello(cluster: cluster, uuid: uuid, id: id, address: address, nonce: nonce, proof: proof, isWitness: isWitness != 0))
        case .welcome:
            guard let id = r.number(UInt32.self).flatMap(NodeID.init(rawValue:)), let proof = r.bytes(max: 64) else { return nil }
            return .welcome(Welcome(id: id, proof: proof))
        case .refused:
            guard let reason = r.number(UInt8.self).flatMap(LinkRefusal.Reason.init(rawValue:)), let words = r.string(max: 4096),
                let master = r.string()
            else { return nil }
            return .refused(LinkRefusal(reason, words, master: master))
        case .resume: return r.ends().map { .resume($0) }
        case .resumeAt: return r.position().map { .resumeAt($0) }
        case .members: return r.string(max: membersBytesMax).map { .members($0) }
        case .events, .packedEvents, .snapshotData: return nil
        case .readIndex: return r.number(UInt64.self).map { .readIndex($0) }
        case .readAnswer:
            guard let number = r.number(UInt64.self), let position = r.position(), let refusal = r.string(max: 4096) else { return nil }
            return .readAnswer(number, position, refusal: refusal)
        case .committed: return r.commitment().map { .committed($0) }
        case .ask: return r.fields().map { .ask($0) }
        case .told: return r.rows().map { .told($0) }
        case .notTold: return r.fields().map { .notTold($0) }
        case .gone: return r.string(max: 4096).map { .gone($0) }
        case .beat: return beat(&r)
        case .ack:
            guard let received = r.position(), let applied = r.position(), let state = r.string(), let beat = r.number(UInt64.self),
                let members = r.string()
            else { return nil }
            return .ack(Ack(received: received, applied: applied, state: state, beat: beat, members: members))
        case .snapshotWanted:
            if r.isAtEnd { return .snapshotWanted(.physical) }
            return r.number(UInt8.self).flatMap(SnapshotKind.init(rawValue:)).map { .snapshotWanted($0) }
        case .snapshotQueued: return r.number(UInt32.self).map { .snapshotQueued(ahead: $0) }
        case .snapshotDone:
            guard let bytes = r.number(UInt64.self), let digest = r.bytes(max: 16), digest.count == 16, let position = r.position() else {
                return nil
            }
            return .snapshotDone(SnapshotDone(bytes: bytes, digest: digest, position: position))
        }
    }

    private static func beat(_ r: inout ByteReader) -> Frame? {
        guard let position = r.position(), let committed = r.commitment(), let number = r.number(UInt64.self), let clock = r.number(UInt64.self),
            let count = r.number(UInt32.self),
            count <= nodesMax
        else { return nil }
        var nodes: [NodeStatus] = []
        for _ in 0..<count {
            guard let node = r.node() else { return nil }
            nodes.append(node)
        }
        return .beat(Beat(position: position, committed: committed, number: number, clockMs: clock, nodes: nodes))
    }
}

extension ByteWriter {
    fileprivate mutating func commitment(_ commitment: Commitment) {
        switch commitment {
        case .all: number(UInt8(0))
        case .upTo(let position):
            number(UInt8(1))
            self.position(position)
        }
    }

    fileprivate mutating func node(_ node: NodeStatus) {
        number(node.id.rawValue)
        string(node.role.rawValue)
        string(node.address)
        string(node.state)
        position(node.received)
        position(node.applied)
        number(Int64(node.lagMs ?? -1))
        number(Int64(node.lastSeenMs ?? -1))
    }
}

extension ByteReader {
    fileprivate mutating func ends() -> [GTID]? {
        guard let count = number(UInt32.self), count <= Frame.writersMax else { return nil }
        var ends: [GTID] = []
        for _ in 0..<count {
            guard let gtid = position()?.gtid else { return nil }
            ends.append(gtid)
        }
        return ends
    }

    fileprivate mutating func commitment() -> Commitment? {
        switch number(UInt8.self) {
        case 0: .all
        case 1: position().map { .upTo($0) }
        default: nil
        }
    }

    fileprivate mutating func node() -> NodeStatus? {
        guard let id = number(UInt32.self).flatMap(NodeID.init(rawValue:)), let role = string().flatMap(NodeKind.init(rawValue:)),
            let address = string(),
            let state = string(), let received = position(), let applied = position(), let lag = number(Int64.self), let seen = number(Int64.self)
        else { return nil }
        return NodeStatus(
            id: id, role: role, address: address, state: state, received: received, applied: applied, lagMs: lag < 0 ? nil : Int(lag),
            lastSeenMs: seen < 0 ? nil : Int(seen))
    }
}

/// Cuts a link's bytes into frames.
package struct FrameReader: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0
    private let takesEvents: Bool

    /// Only a slave takes events; to a master a peer that is still a stranger can't send anything large.
    package init(takesEvents: Bool) { self.takesEvents = takesEvents }

    /// Bytes held that make no whole frame yet.
    package var pendingBytes: Int { buffer.count - start }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
            start = 0
        } else if start > 1 << 16, start > buffer.count / 2 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame; nil until more bytes came. Throws when the peer does not speak this language.
    package mutating func next() throws(LinkRefusal) -> Frame? {
        guard pendingBytes >= 5 else { return nil }
        let (count, kind) = buffer.withUnsafeBytes {
            (Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self))), $0[start + 4])
        }
        guard count >= 1, count <= Frame.bytesMax, (takesEvents && kind == Frame.eventsKind) || count <= Frame.smallBytesMax else {
            throw LinkRefusal(.badFrame, "a frame of \(count) bytes and kind \(kind) is none this version of ddbnode sends")
        }
        guard pendingBytes >= 4 + count else { return nil }
        let frame = buffer.withUnsafeBytes { Frame.decode(kind: kind, UnsafeRawBufferPointer(rebasing: $0[(start + 5)..<(start + 4 + count)])) }
        start += 4 + count
        guard let frame else { throw LinkRefusal(.badFrame, "a frame of kind \(kind) could not be read") }
        return frame
    }
}

/// An `events` frame that grows event by event, as it goes over the wire.
package struct EventsFrame: Sendable {
    private static let headBytes = 5
    private var bytes: [UInt8] = []

    package init() {}

    package var eventBytes: Int { max(0, bytes.count - Self.headBytes) }

    package mutating func append(_ event: UnsafeRawBufferPointer) {
        // Growing by doubling, a large event's buffer would be twice as large as the event.
        if bytes.isEmpty {
            bytes.reserveCapacity(Self.headBytes + event.count)
            Frame.events([]).encode(into: &bytes)
        }
        bytes.append(contentsOf: event)
    }

    /// The whole frame; this one is empty again. `pack` compresses the events, or gives nothing where that is of no use.
    package mutating func take(_ pack: (UnsafeRawBufferPointer) -> [UInt8]?) -> [UInt8] {
        guard eventBytes <= Frame.packedEventBytesMax else { return take() }
        let packed = bytes.withUnsafeBytes { pack(UnsafeRawBufferPointer(rebasing: $0.dropFirst(Self.headBytes))) }
        guard let packed else { return take() }
        var frame: [UInt8] = []
        Frame.packedEvents(count: UInt32(eventBytes), packed).encode(into: &frame)
        bytes = []
        return frame
    }

    /// The whole frame as it is; this one is empty again.
    package mutating func take() -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count - 4).littleEndian) { length in for (index, byte) in length.enumerated() { bytes[index] = byte } }
        defer { bytes = [] }
        return bytes
    }
}
