import Dispatch
import Glibc
import Synchronization

/// Writes lines to a descriptor from a queue of its own, so that no caller waits for whoever reads them.
///
/// Lines come out whole and in order. What waits is bounded: beyond that lines are dropped, and where they are missing a line says how many.
package final class LogWriter: Sendable {
    package static let standardError = LogWriter(STDERR_FILENO)
    /// How long the end of the process waits for the last lines.
    package static let lastLinesMs = 1000

    /// What waits to be written, in bytes.
    static let waitingBytesMax = 256 << 10
    /// A pipe takes so much in one piece, whoever else writes to it.
    private static let pieceBytesMax = Int(PIPE_BUF)

    private struct State {
        var lines: [[UInt8]] = []
        /// Of those lines, and of the ones being written.
        var bytes = 0
        /// Dropped since the last line that says so.
        var dropped = 0
        var isWriting = false
        var droppedLine: @Sendable (Int) -> [UInt8] = { Array("\($0) log lines were dropped: standard error was not read\n".utf8) }

        mutating func add(_ line: [UInt8]) {
            lines.append(line)
            bytes += line.count
        }

        mutating func takeDropped() -> [UInt8] {
            defer { dropped = 0 }
            return droppedLine(dropped)
        }
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "ddbnode.log")

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// How the log's lines say that some are missing.
    func tellDropped(_ line: @escaping @Sendable (Int) -> [UInt8]) { state.withLock { $0.droppedLine = line } }

    /// Adds a line, line end included; never waits.
    package func write(_ line: [UInt8]) {
        let begins = state.withLock { state in
            // Once some are missing, more are taken when there is room for many: one notice, not one at every other line.
            guard state.bytes + line.count <= (state.dropped > 0 ? Self.waitingBytesMax / 2 : Self.waitingBytesMax) else {
                state.dropped += 1
                return false
            }
            if state.dropped > 0 { state.add(state.takeDropped()) }
            state.add(line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { queue.async { self.writeAll() } }
    }

    package func write(_ text: String) { write(Array(text.utf8)) }

    /// Waits until everything so far is written, at most so long.
    package func flush(milliseconds: Int = LogWriter.lastLinesMs) {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .milliseconds(milliseconds))
    }

    private func writeAll() {
        while let lines = take() {
            var piece: [UInt8] = []
            for line in lines {
                if piece.count + line.count > Self.pieceBytesMax { put(&piece) }
                piece += line
            }
            put(&piece)
        }
    }

    /// The lines that wait; nil when there are none, and then the next one begins again.
    private func take() -> [[UInt8]]? {
        state.withLock { state in
            if state.lines.isEmpty, state.dropped > 0 { state.add(state.takeDropped()) }
            let lines = state.lines
            state.lines = []
            state.isWriting = !lines.isEmpty
            return lines.isEmpty ? nil : lines
        }
    }

    /// Writes it however long that takes; where it can't be written at all it is gone, as the log is.
    private func put(_ piece: inout [UInt8]) {
        var rest = piece[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Whoever shares the descriptor has made it non-blocking.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if errno != EINTR {
                break
            }
        }
        let written = piece.count
        state.withLock { $0.bytes -= written }
        piece = []
    }
}
