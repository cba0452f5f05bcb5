import LineProtocol

/// A client's requests that wait for those before them, in the order they came in.
struct RequestQueue {
    /// Beyond this, in bytes, no further request is taken off a client's input before one is answered.
    private static let bytesMax = 1 << 20

    private var waiting: [Request] = []
    private var bytes = 0
    /// How many requests were taken off the client's input; the last one's number.
    private(set) var received: UInt64 = 0
    /// The number of the request that was begun last.
    private(set) var begun: UInt64 = 0

    var isEmpty: Bool { waiting.isEmpty }

    func isFull(requestsMax: Int) -> Bool { waiting.count >= requestsMax || bytes > Self.bytesMax }

    /// The statement that is next; nil where that is a command, or nothing waits.
    var nextStatement: [UInt8]? {
        guard case .sql(let sql)? = waiting.first else { return nil }
        return sql
    }

    mutating func append(_ request: Request) {
        if case .sql(let sql) = request { bytes += sql.count }
        received += 1
        waiting.append(request)
    }

    mutating func beginNext() -> Request? {
        guard !waiting.isEmpty else { return nil }
        let request = waiting.removeFirst()
        if case .sql(let sql) = request { bytes -= sql.count }
        begun += 1
        return request
    }

    /// Nobody waits for answers any more.
    mutating func drop() {
        waiting = []
        bytes = 0
    }
}
