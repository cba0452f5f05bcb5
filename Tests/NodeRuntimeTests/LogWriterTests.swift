import EventLoop
import Glibc
import TestSupport
import Testing

@testable import NodeRuntime

/// A log that nobody reads.
@Suite struct LogWriterTests {
    private struct Pipe {
        let read, write: Int32

        init() throws {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (read, write) = (ends[0], ends[1])
            // F_SETPIPE_SZ: one page.
            _ = fcntl(write, 1031, 4096)
            _ = fcntl(read, F_SETFL, O_NONBLOCK)
        }

        func taken() -> [UInt8] {
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = Glibc.read(read, &chunk, chunk.count)
            return Array(chunk.prefix(max(0, count)))
        }

        func close() { for end in [read, write] { Glibc.close(end) } }
    }

    private func line(_ number: Int) -> String { "line \(number) \(String(repeating: "x", count: number % 300))" }

    @Test func `a reader that comes late gets whole lines in order, and how many are missing`() async throws {
        let pipe = try Pipe()
        let writer = LogWriter(pipe.write)
        let count = 10_000
        let began = ContinuousClock.now
        for number in 0..<count { writer.write(line(number) + "\n") }
        #expect(ContinuousClock.now - began < .seconds(5), "nobody waits for the reader")
        let text = Collected()
        // Written when there is room again, before anything else.
        try await until("the lines that were kept") {
            text.bytes += pipe.taken()
            if !text.asksAgain, text.bytes.count > 8 << 10 {
                text.asksAgain = true
                return false
            }
            return text.string.contains("were dropped")
        }
        writer.write("the last\n")
        try await until("the last line") {
            text.bytes += pipe.taken()
            return text.string.hasSuffix("the last\n")
        }
        let lines = await text.string.split(separator: "\n")
        let kept = lines.prefix { !$0.contains("were dropped") }
        #expect(kept.map(String.init) == (0..<kept.count).map { line($0) })
        #expect(
            lines.dropFirst(kept.count).map(String.init) == ["\(count - kept.count) log lines were dropped: standard error was not read", "the last"])
        pipe.close()
    }

    @LoopActor private final class Collected {
        var bytes: [UInt8] = []
        var asksAgain = false
        var string: String { String(decoding: bytes, as: UTF8.self) }
        nonisolated init() {}
    }

    @Test func `the end waits for its last line, and not for ever`() throws {
        let pipe = try Pipe()
        let writer = LogWriter(pipe.write)
        writer.write("why\n")
        writer.flush()
        #expect(String(decoding: pipe.taken(), as: UTF8.self) == "why\n")
        for number in 0..<1000 { writer.write(line(number) + "\n") }
        let began = ContinuousClock.now
        writer.flush(milliseconds: 50)
        #expect(ContinuousClock.now - began < .seconds(5))
        // What is blocked ends with the reader.
        close(pipe.read)
        writer.flush()
        close(pipe.write)
    }
}
