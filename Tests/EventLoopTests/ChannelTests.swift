import EventLoop
import Glibc
import TestSupport
import Testing

@Suite(.serialized)
struct ChannelTests {
    /// Sends a pattern in writes of random sizes while the channel is not full, and checks the pattern that comes from the other side.
    @LoopActor private final class Talker: ChannelHandler {
        let channel: Channel
        let total: Int
        private let all: [UInt8]
        private var sent = 0
        private var isSending = false
        private(set) var received = 0
        private(set) var differs = false
        private(set) var mostWaiting = 0
        private(set) var drains = 0
        private(set) var ends: [ChannelEnd] = []

        init(_ channel: Channel, _ all: [UInt8]) {
            self.channel = channel
            self.all = all
            total = all.count
        }

        var isDone: Bool { received == total && sent == total && channel.outboundBytes == 0 }

        func send() {
            guard !isSending else { return }
            isSending = true
            defer { isSending = false }
            while sent < total, !channel.isFull {
                let count = min(Int.random(in: 1...30_000), total - sent)
                channel.write(Array(all[sent..<sent + count]))
                sent += count
                mostWaiting = max(mostWaiting, channel.outboundBytes)
            }
        }

        func received(_ bytes: UnsafeRawBufferPointer) {
            if !matches(bytes) { differs = true }
            received += bytes.count
            guard Int.random(in: 0..<4) == 0 else { return }
            channel.pauseReading()
            channel.loop.after(milliseconds: 1) { [self] in channel.resumeReading() }
        }

        private func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
            guard bytes.count <= total - received, let here = bytes.baseAddress else { return false }
            return all.withUnsafeBytes { all in all.baseAddress.map { memcmp($0 + received, here, bytes.count) == 0 } ?? false }
        }

        func drained() {
            drains += 1
            send()
        }

        func inputEnded() {}
        func ended(_ end: ChannelEnd) { ends.append(end) }
    }

    @Test func `writes of all sizes arrive whole and in order, both ways, with little waiting here`() async throws {
        let pair = try tcpPair()
        _ = fcntl(pair.1, F_SETFL, O_NONBLOCK)
        let all = pattern(4 << 20)
        let talkers = try await onLoop { loop in
            let talkers = [pair.0, pair.1].map { Talker(Channel(loop, $0), all) }
            for talker in talkers {
                talker.channel.highWater = 100_000
                try talker.channel.start(talker)
            }
            for talker in talkers { talker.send() }
            return talkers
        }
        try await until("both ways' end", holds: { talkers.allSatisfy { $0.isDone || $0.differs } })
        for talker in talkers {
            #expect(await !talker.differs)
            #expect(await talker.mostWaiting <= 130_000)
            #expect(await talker.drains > 0)
        }
        try await onLoop { _ in for talker in talkers { talker.channel.close() } }
        #expect(await talkers[0].ends == [.closedHere])
    }

    @Test func `after the peer's half close it is still written to`() async throws {
        let wire = try await Wire.open()
        await wire.send(pattern(1000))
        shutdown(wire.peer, Int32(SHUT_WR))
        try await until("the end of input") { wire.recorder.inputEnds == 1 }
        #expect(await wire.recorder.bytes == pattern(1000))
        try await onLoop { _ in
            wire.channel.write(pattern(300_000))
            wire.channel.closeWhenSent()
        }
        #expect(await wire.readAll() == pattern(300_000))
        #expect(await wire.recorder.ends == [.closedHere])
        #expect(await wire.recorder.inputEnds == 1)
        try await wire.close()
    }

    @Test func `a reset ends the channel once`() async throws {
        let wire = try await Wire.open()
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(wire.peer, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close(wire.peer)
        try await until("the end") { !wire.recorder.ends.isEmpty }
        #expect(await wire.recorder.ends == [.hungUp])
        #expect(await !wire.channel.isOpen)
    }

    @Test func `a reset is noticed while reading is paused`() async throws {
        let wire = try await Wire.open()
        try await onLoop { _ in wire.channel.pauseReading() }
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(wire.peer, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close(wire.peer)
        try await until("the end") { wire.recorder.ends == [.hungUp] }
    }

    @Test func `what came during a pause is heard after it, even from a peer that is gone`() async throws {
        let wire = try await Wire.open()
        try await onLoop { _ in wire.channel.pauseReading() }
        await wire.send(pattern(5000))
        close(wire.peer)
        // Long enough for an event, were one still asked for.
        let _: Bool = try await answer { loop, done in loop.after(milliseconds: 30) { done(true) } }
        #expect(await wire.recorder.bytes.isEmpty)
        #expect(await wire.recorder.inputEnds == 0)
        try await onLoop { _ in wire.channel.resumeReading() }
        try await until("the end of input") { wire.recorder.inputEnds == 1 }
        #expect(await wire.recorder.bytes == pattern(5000))
        try await onLoop { _ in wire.channel.close() }
    }

    @Test func `a handler may close its channel in whatever it is told`() async throws {
        let first = try await Wire.open()
        try await onLoop { _ in first.recorder.onReceived = { first.channel.close() } }
        await first.send(pattern(400_000))
        try await until("the end") { first.recorder.ends == [.closedHere] }
        #expect(await first.recorder.bytes.count <= 128 << 10)
        close(first.peer)

        let second = try await Wire.open()
        try await onLoop { _ in second.recorder.onInputEnded = { second.channel.close() } }
        close(second.peer)
        try await until("the end") { second.recorder.ends == [.closedHere] }

        let third = try await Wire.open()
        try await onLoop { _ in
            third.recorder.onDrained = { third.channel.close() }
            third.channel.write(pattern(2 << 20))
            third.channel.write(pattern(1))
        }
        _ = await third.readAll()
        #expect(await third.recorder.ends == [.closedHere])
        #expect(await third.recorder.drains == 1)
        close(third.peer)
    }

    @Test func `closing when sent delivers everything to a slow reader, and nothing written after`() async throws {
        let wire = try await Wire.open()
        let all = pattern(4 << 20)
        try await onLoop { _ in
            wire.channel.write(all)
            wire.channel.closeWhenSent()
            wire.channel.write([1, 2, 3])
        }
        #expect(await wire.channel.isOpen)
        #expect(await wire.readAll() == all)
        try await until("the end") { wire.recorder.ends == [.closedHere] }
        close(wire.peer)
    }

    @Test func `closing drops what waits, and ends once`() async throws {
        let wire = try await Wire.open()
        try await onLoop { _ in
            wire.channel.write(pattern(4 << 20))
            wire.channel.close()
            wire.channel.close()
            wire.channel.closeWhenSent()
            wire.channel.write([1])
            wire.channel.resumeReading()
        }
        #expect(await wire.recorder.ends == [.closedHere])
        #expect(await wire.readAll().count < 4 << 20)
        close(wire.peer)
    }

    @Test func `a peer that is gone ends a channel that writes to it`() async throws {
        let wire = try await Wire.open()
        close(wire.peer)
        try await until("the end of input") { wire.recorder.inputEnds == 1 }
        try await onLoop { _ in wire.channel.write(pattern(1 << 20)) }
        try await until("the end") { wire.recorder.ends == [.hungUp] }
    }

    @Test func `what is written in one turn leaves in its order, and the new handler hears after a hand-over`() async throws {
        let wire = try await Wire.open()
        let second = Recorder()
        try await onLoop { _ in
            for byte in 0..<100 { wire.channel.write([UInt8(byte)]) }
            wire.channel.handOver(to: second)
        }
        #expect(await wire.readAll(upTo: 100) == Array(0..<100))
        await wire.send([7])
        try await until("the byte") { second.bytes == [7] }
        #expect(await wire.recorder.bytes.isEmpty)
        try await wire.close()
    }

    @Test func `five thousand idle channels cost a few megabytes`() async throws {
        try await withDescriptorLimit(12_000) {
            let before = ProcessFacts.residentBytes
            let recorder = Recorder()
            let wires: [(Channel, Int32)] = try await onLoop { loop in
                try (0..<5000).map { _ in
                    var pair: [Int32] = [0, 0]
                    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0 else {
                        throw SystemError("socketpair")
                    }
                    let channel = Channel(loop, pair[0])
                    try channel.start(recorder)
                    return (channel, pair[1])
                }
            }
            #expect(ProcessFacts.residentBytes - before < 6 << 20)
            try await onLoop { _ in
                for (channel, peer) in wires {
                    channel.close()
                    close(peer)
                }
            }
            #expect(await recorder.ends.count == 5000)
        }
    }
}

/// Runs `body` with another soft limit of open descriptors.
func withDescriptorLimit(_ limit: Int, _ body: () async throws -> Void) async throws {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var old = rlimit()
    getrlimit(resource, &old)
    var new = rlimit(rlim_cur: rlim_t(limit), rlim_max: old.rlim_max)
    guard setrlimit(resource, &new) == 0 else { throw SystemError("setrlimit") }
    defer { setrlimit(resource, &old) }
    try await body()
}
