import CSystem
import Glibc

/// Why a channel ended.
package enum ChannelEnd: Equatable, Sendable, CustomStringConvertible {
    /// The node closed it.
    case closedHere
    /// The peer reset the connection, or closed both directions.
    case hungUp
    case failed(SystemError)

    package var description: String {
        switch self {
        case .closedHere: "closed by this node"
        case .hungUp: "closed or reset by the other side"
        case .failed(let error): error.description
        }
    }
}

/// Hears what happens on a channel. The channel holds it strongly until `ended` was called.
@LoopActor package protocol ChannelHandler: AnyObject {
    /// Bytes arrived; they are gone when this returns.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The peer will send no more; it may still read.
    func inputEnded()
    /// What waits to be sent fell below the low-water mark after it had been above the high-water mark. It may be told of from within the very
    /// write that went above it.
    func drained()
    /// The descriptor is closed; nothing more is told after this.
    func ended(_ end: ChannelEnd)
}

/// A connected stream socket on the loop: buffered writes with back-pressure, reads that can be paused.
///
/// Writes gather until the turn ends and leave in one system call. What a peer does not read waits here without limit,
/// so a handler stops producing while `isFull` and goes on at `drained()`.
@LoopActor package final class Channel: Watcher, TurnEndWork {
    /// Reads of one event, so that one busy peer does not starve the others.
    private static let readsPerEvent = 4
    private static let lingerMs = 10_000
    private static let peerCheckMs = 1000

    package let loop: EventLoop
    package private(set) var descriptor: Int32
    private var watch: WatchID?
    private var handler: (any ChannelHandler)?
    private var interest: Readiness = []
    private var outbound: [UInt8] = []
    private var sent = 0
    /// Bytes that the system took, and bytes that were written, since the start; kept after the end.
    package private(set) var sentTotal: UInt64 = 0
    package var writtenTotal: UInt64 { sentTotal + UInt64(outboundBytes) }
    private var flushAsked = false
    private var wasFull = false
    private var readingPaused = false
    private var inputOver = false
    private var closesWhenSent = false

    /// Above this `isFull`; `drained()` comes at half of it. In bytes.
    package var highWater: Int = 1 << 20

    /// Takes the descriptor over: a connected, non-blocking stream socket.
    package init(_ loop: EventLoop, _ descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
    }

    isolated deinit {
        precondition(descriptor < 0, "a channel is closed before it is released")
    }

    /// Begins to read, and to report to `handler`.
    package func start(_ handler: any ChannelHandler) throws(SystemError) {
        precondition(watch == nil, "a channel starts once")
        self.handler = handler
        interest = readingPaused ? [] : [.readable]
        do {
            watch = try loop.watch(descriptor, for: interest, self)
        } catch {
            Glibc.close(descriptor)
            descriptor = -1
            self.handler = nil
            throw error
        }
    }

    /// Gives the channel to another handler, which hears everything from now on.
    package func handOver(to handler: any ChannelHandler) { self.handler = handler }

    package var isOpen: Bool { descriptor >= 0 }

    /// Bytes that wait to be sent.
    package var outboundBytes: Int { outbound.count - sent }

    package var isFull: Bool { outboundBytes > highWater }

    // MARK: Sending

    /// Lets `fill` append to what is to be sent.
    package func write(_ fill: (inout [UInt8]) -> Void) {
        guard isOpen, !closesWhenSent else { return }
        fill(&outbound)
        askFlush()
    }

    package func write(_ bytes: [UInt8]) { write { $0.append(contentsOf: bytes) } }

    package func write(_ bytes: UnsafeRawBufferPointer) { write { $0.append(contentsOf: bytes) } }

    private func askFlush() {
        if isFull {
            wasFull = true
            // Not left to the turn's end: a handler that fills while it is not full would never see it drain.
            if !interest.contains(.writable) { flush() }
        }
        guard isOpen, !flushAsked, !interest.contains(.writable) else { return }
        flushAsked = true
        loop.atTurnEnd(self)
    }

    package func turnEnded() {
        flushAsked = false
        if isOpen, !interest.contains(.writable) { flush() }
    }

    private func flush() {
        while sent < outbound.count {
            let count = outbound.withUnsafeBytes { send(descriptor, $0.baseAddress.map { $0 + sent }, outbound.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                return end(errno == EPIPE || errno == ECONNRESET ? .hungUp : .failed(SystemError("send")))
            }
            sent += count
            sentTotal += UInt64(count)
        }
        releaseSent()
        if outbound.isEmpty, closesWhenSent { return end(.closedHere) }
        want(.writable, !outbound.isEmpty)
        if wasFull, outboundBytes <= highWater / 2 {
            wasFull = false
            handler?.drained()
        }
    }

    private func releaseSent() {
        if sent == outbound.count {
            // A buffer that grew for one large reply is given back.
            outbound.removeAll(keepingCapacity: outbound.capacity <= 16 << 10)
            sent = 0
        } else if sent > 1 << 20, sent > outbound.count / 2 {
            outbound.removeSubrange(0..<sent)
            sent = 0
        }
    }

    // MARK: Receiving

    package func pauseReading() {
        readingPaused = true
        want(.readable, false)
    }

    package func resumeReading() {
        readingPaused = false
        if !inputOver { want(.readable, true) }
    }

    private func want(_ what: Readiness, _ on: Bool) {
        let new = on ? interest.union(what) : interest.subtracting(what)
        guard new != interest, isOpen else { return }
        interest = new
        if let watch { loop.change(watch, of: descriptor, to: new) }
    }

    package func became(_ ready: Readiness) {
        if ready.contains(.readable) || (ready.contains(.hangUp) && !inputOver && !readingPaused) { readAvailable() }
        if isOpen, ready.contains(.writable) { flush() }
        // Reported for as long as the descriptor is watched, so it must end here or burn the loop.
        if isOpen, !ready.isDisjoint(with: [.error, .hangUp]), inputOver || readingPaused || ready.contains(.error) { end(socketEnd()) }
    }

    private func readAvailable() {
        for _ in 0..<Self.readsPerEvent {
            guard isOpen, !readingPaused, !inputOver else { return }
            let count = read(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count)
            if count > 0 {
                handler?.received(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
                if count < loop.readBuffer.count { return }
            } else if count == 0 {
                inputOver = true
                want(.readable, false)
                handler?.inputEnded()
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                return end(errno == ECONNRESET ? .hungUp : .failed(SystemError("read")))
            }
        }
    }

    private func socketEnd() -> ChannelEnd {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        return code == 0 || code == ECONNRESET || code == EPIPE ? .hungUp : .failed(SystemError("socket", code))
    }

    // MARK: The peer

    /// After the peer's input ended: has the channel end once the peer is known to be gone, rather than to wait for what it asked for.
    package func watchPeer() {
        guard isOpen else { return }
        KeepAlive.toDoubtful.set(on: descriptor)
        checkPeerLater()
    }

    private func checkPeerLater() {
        loop.after(milliseconds: Self.peerCheckMs) { [weak self] in
            guard let self, self.isOpen else { return }
            PeerPresence.isGone(self.loop, self.descriptor) { [weak self] gone in
                guard let self, self.isOpen else { return }
                if gone { self.end(.hungUp) } else { self.checkPeerLater() }
            }
        }
    }

    // MARK: Ending

    /// Closes once everything written has been sent, or the peer has not taken it for a while; what is written after this is dropped.
    package func closeWhenSent() {
        guard isOpen, !closesWhenSent else { return }
        closesWhenSent = true
        if outbound.isEmpty { return end(.closedHere) }
        // Held until then, by whoever or nobody: a channel may not go before it is closed.
        loop.after(milliseconds: Self.lingerMs) { self.close() }
    }

    /// A last word before `close()`: what the system does not take at once is lost.
    package func sendAtOnce(_ bytes: [UInt8]) {
        guard isOpen, outbound.isEmpty else { return }
        _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Closes now, dropping what was not sent.
    package func close() { end(.closedHere) }

    private func end(_ how: ChannelEnd) {
        guard isOpen else { return }
        if let watch { loop.unwatch(watch, descriptor) }
        Glibc.close(descriptor)
        descriptor = -1
        watch = nil
        outbound = []
        sent = 0
        let handler = self.handler
        self.handler = nil
        handler?.ended(how)
    }
}
