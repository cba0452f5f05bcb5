import Glibc
import LoadGeneratorCore

/// How requests are made.
struct LoadPlan {
    let endpoint: Endpoint
    let account: Account
    let workload: Workload
    let connections: Int
    /// Requests under way on a connection at a time.
    let depth: Int
    /// Requests a second, at fixed times; nil: each connection asks again as soon as it is answered.
    let perSecond: Int?
    let seconds: Double
    /// Before that, and not counted.
    let warmupSeconds: Double
    /// The run ends after so many requests, if that is sooner.
    let requestsMax: UInt64

    /// How long answers are waited for after the last request.
    static let drainSeconds = 15.0
}

/// A run of requests over many connections, on one thread.
final class Load {
    private let plan: LoadPlan
    private let poller: Poller
    private var connections: [Connection] = []
    private var workload: Workload
    private let buffer = Connection.makeReadBuffer()

    private let measureFromNs: UInt64
    private let sendUntilNs: UInt64
    private let giveUpNs: UInt64
    private var schedule: OpenLoopSchedule?
    /// At a fixed rate: who may be asked next, once for each request that it has room for.
    private var free: Ring<Int>

    private var latency = Histogram()
    private var asked: UInt64 = 0
    private var answered: UInt64 = 0
    private var answeredInTime: UInt64 = 0
    private var failed: UInt64 = 0
    private var lost: UInt64 = 0
    private var firstFailure: String?

    /// Opens all connections; the clock starts when they are there.
    init(_ plan: LoadPlan) throws(Failure) {
        self.plan = plan
        workload = plan.workload
        poller = try Poller()
        for token in 0..<plan.connections {
            connections.append(try Connection(plan.endpoint, plan.account, poller, token: token, depth: plan.depth))
        }
        let start = monotonicNs()
        measureFromNs = start + nanoseconds(plan.warmupSeconds)
        sendUntilNs = measureFromNs + nanoseconds(plan.seconds)
        giveUpNs = sendUntilNs + nanoseconds(LoadPlan.drainSeconds)
        schedule = plan.perSecond.map { OpenLoopSchedule(startNs: start, perSecond: $0, seconds: plan.warmupSeconds + plan.seconds) }
        free = Ring(capacity: plan.connections * plan.depth)
    }

    deinit { buffer.deallocate() }

    func run() throws(Failure) -> Report {
        for _ in 0..<plan.depth {
            for token in connections.indices { hasRoom(token, monotonicNs()) }
        }
        for connection in connections { connection.flush() }
        while true {
            let now = monotonicNs()
            askWhatIsDue(now)
            guard !isDone(now) else { break }
            try poller.wait(untilNs: nextTurnNs(now)) { (ready: Poller.Readiness) throws(Failure) in handle(ready) }
        }
        for connection in connections { connection.end() }
        return report(at: monotonicNs())
    }

    private func isDone(_ now: UInt64) -> Bool {
        guard now < giveUpNs, connections.contains(where: \.isOpen) else { return true }
        return !mayAsk(now) && answered == asked
    }

    private func mayAsk(_ now: UInt64) -> Bool {
        guard !EarlyEnd.isWanted, asked < plan.requestsMax else { return false }
        return schedule.map { $0.nextDueNs != nil } ?? (now < sendUntilNs)
    }

    private func nextTurnNs(_ now: UInt64) -> UInt64 {
        guard mayAsk(now), let due = schedule?.nextDueNs else { return now < sendUntilNs ? sendUntilNs : giveUpNs }
        // What is due already waits for a connection, not for the clock.
        return due > now ? due : giveUpNs
    }

    private func handle(_ ready: Poller.Readiness) {
        let token = ready.token
        let connection = connections[token]
        // An earlier event of the same batch may have ended it.
        guard connection.isOpen else { return }
        if ready.isWritable { connection.flush() }
        guard ready.isReadable else { return }
        var room = 0
        let now = monotonicNs()
        connection.read(into: buffer) { reply, start in
            replied(reply, start, now)
            room += 1
        }
        guard connection.isOpen else { return lose(connection) }
        for _ in 0..<room { hasRoom(token, now) }
        if schedule == nil { connection.flush() }
    }

    /// A connection can take one more request: now, or when one is due.
    private func hasRoom(_ token: Int, _ now: UInt64) {
        if schedule != nil {
            free.append(token)
        } else if mayAsk(now) {
            connections[token].ask(&workload, startNs: now)
            asked += 1
        }
    }

    private func askWhatIsDue(_ now: UInt64) {
        while mayAsk(now), !free.isEmpty, let due = schedule?.takeDue(nowNs: now) {
            guard let token = nextFree() else { return }
            connections[token].ask(&workload, startNs: due)
            connections[token].flush()
            asked += 1
        }
    }

    private func nextFree() -> Int? {
        while let token = free.popFirst() {
            if connections[token].isOpen { return token }
        }
        return nil
    }

    private func replied(_ reply: ReplyEnd, _ start: UInt64, _ now: UInt64) {
        switch reply {
        case .ok:
            answered += 1
            count(start, now)
        case .failed(let words):
            answered += 1
            fail(words)
        case .unintelligible:
            fail("bytes that are no reply")
        }
    }

    /// At a fixed rate each request that was due in time counts, however late it is answered; else each answer that came in time.
    private func count(_ start: UInt64, _ now: UInt64) {
        let isInTime = now >= measureFromNs && now < sendUntilNs
        if isInTime { answeredInTime += 1 }
        guard schedule == nil ? isInTime : start >= measureFromNs else { return }
        latency.record(now > start ? now - start : 0)
    }

    private func fail(_ words: String) {
        failed += 1
        firstFailure = firstFailure ?? words
    }

    private func lose(_ connection: Connection) {
        lost += 1
        firstFailure = firstFailure ?? "a connection was closed with \(connection.underWay) requests under way"
    }

    // MARK: Figures

    private func report(at now: UInt64) -> Report {
        var report = Report()
        let seconds = Double(min(now, sendUntilNs)) / 1e9 - Double(measureFromNs) / 1e9
        report.add("connections", .count(UInt64(plan.connections)))
        report.add("depth", .count(UInt64(plan.depth)))
        if let rate = plan.perSecond { report.add("wanted_per_s", .count(UInt64(rate))) }
        report.add("seconds", .measure(max(0, seconds)))
        report.add("answered", .count(answered))
        report.add("per_s", .measure(seconds > 0 ? Double(answeredInTime) / seconds : 0))
        report.add(latency: latency)
        report.addGeneratorCPU()
        report.add("failed", .count(failed))
        // At a fixed rate also those that never found a connection with room.
        let wanted = EarlyEnd.isWanted || plan.requestsMax < .max ? asked : schedule?.total ?? asked
        report.add("unanswered", .count(wanted - answered))
        report.add("lost_connections", .count(lost))
        if let firstFailure { report.add("first_failure", .text(firstFailure)) }
        return report
    }
}

extension Report {
    /// What the generator itself has used of the CPU since it started.
    mutating func addGeneratorCPU() {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        add("generator_cpu_s", .measure(seconds(usage.ru_utime) + seconds(usage.ru_stime)))
    }

    /// Ends the program with 1 when a figure that counts what went wrong is not zero.
    func requireNoFailures() throws(Failure) {
        for name in ["failed", "unanswered", "lost_connections"] {
            if let figure = self[name], figure != .count(0) { throw Failure("\(name) is not zero") }
        }
    }
}
