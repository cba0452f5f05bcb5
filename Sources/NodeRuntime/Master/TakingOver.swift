import BinlogFormat
import ClusterModel
import Digests
import EventLoop
import Failover
import MariaDBConnector
import Replication

/// The way of an elected node to serving clients: ships what its journal holds, then has its database apply that, then opens it.
@LoopActor final class TakingOver {
    private unowned let master: MasterLife
    private var machine: Takeover
    private let begun: [Takeover.Action]
    let replica: Replica
    private let beganMs = EventLoop.nowMs()
    private var isOver = false

    var marker: GTID { machine.marker }
    /// The database was a slave's all along, and nothing in it waits.
    var isUntouched: Bool { machine.phase == .shipping || machine.phase == .applying }

    init(_ master: MasterLife, _ machine: Takeover, _ begun: [Takeover.Action], _ replica: Replica) {
        self.master = master
        self.machine = machine
        self.begun = begun
        self.replica = replica
    }

    private var node: Node { master.node }
    private var journal: Journal { replica.journal }

    func begin() {
        node.log.notice("elected; taking over", ["epoch": "\(machine.epoch)", "log_end": "\(journal.written)"])
        journal.grew = { [weak self] in
            self?.replica.journalGrew()
            self?.master.journalGrew()
        }
        journal.becameDurable = { [weak self] in
            guard let self else { return }
            self.replica.becameDurable()
            self.master.gate.written(self.journal.received)
            self.master.inSync.review()
        }
        journal.failed = { [weak self] problem in
            self?.node.log.error("the journal can't be written", ["error": "\(problem)"])
            self?.node.electorate.resign(.databaseFailed)
        }
        replica.diverged = { [weak self] in self?.failed($0) }
        replica.moved = { [weak self] in self?.applied() }
        replica.applies = { $0(nil) }
        perform(begun)
        master.gate.written(journal.received)
        watermarkMoved()
    }

    func watermarkMoved() { perform(machine.watermarkMoved(to: master.gate.trackedWatermark)) }

    private func applied() { perform(machine.applied(to: node.applied.value)) }

    func databaseFailed() { perform(machine.databaseFailed()) }

    private func perform(_ actions: [Takeover.Action]) {
        for action in actions where !isOver {
            switch action {
            case .appendMarker(let gtid): append(gtid)
            case .shipJournal: break  // links read it as they come
            case .apply(let position):
                replica.committed(.upTo(position))
                applied()
            case .open(let server): open(server)
            case .serve: serve()
            case .restartAsSlave: break  // whoever wrote is restarted by its node
            case .resign(let why): node.electorate.resign(why)
            }
        }
    }

    private func append(_ marker: GTID) {
        let seconds = UInt32(truncatingIfNeeded: WallClock.milliseconds() / 1000)
        guard let group = EpochMarker.group(marker, timestamp: seconds, checksum: Digests.crc32) else { return node.electorate.resign(.stopping) }
        if journal.index.segments.isEmpty {
            do throws(JournalProblem) { journal.add(.format(try BinlogFiles(node.directory.path + "/mariadb").newestFormat())) } catch {
                node.log.error("the database's binlog can't be read, so this node can't take over", ["error": "\(error)"])
                return node.electorate.resign(.databaseFailed)
            }
        }
        journal.isAwaited = true
        journal.add(.append(group, through: marker, wholeBytes: group.count))
    }

    /// The database has all of the journal: it becomes a master's.
    private func open(_ server: UInt32) {
        replica.release { [weak self] problem in
            guard let self, !self.isOver else { return }
            if let problem { return self.failed(problem) }
            do throws(SystemError) { try self.node.directory.keepWrote() } catch { return self.failed("\(error)") }
            self.node.neverRestartDatabase()
            self.node.control.queries(["SET GLOBAL server_id=\(server)"]) { [weak self] result in
                guard let self, !self.isOver else { return }
                if case .failure(let error) = result { return self.failed("\(error)") }
                self.master.gate.databaseIsUp(binlog: Position(self.marker)) { [weak self] problem in
                    guard let self, !self.isOver else { return }
                    if let problem { return self.failed(problem) }
                    self.letWritesIn()
                }
            }
        }
    }

    private func letWritesIn() {
        node.control.queries(["SET GLOBAL read_only=0"]) { [weak self] result in
            guard let self, !self.isOver else { return }
            if case .failure(let error) = result { return self.failed("\(error)") }
            self.node.outcomes.readTime { [weak self] problem in
                guard let self, !self.isOver else { return }
                if let problem { return self.failed(problem) }
                self.perform(self.machine.opened())
            }
        }
    }

    private func serve() {
        isOver = true
        node.log.notice("serving as master", ["epoch": "\(machine.epoch)", "marker": "\(marker)", "took_ms": "\(EventLoop.nowMs() - beganMs)"])
        replica.close()
        master.tookOver()
    }

    private func failed(_ why: String) {
        node.log.error("this node can't take over", ["why": why])
        databaseFailed()
    }

    /// This node leads no more; what it began is left as it is.
    func end() {
        isOver = true
        _ = machine.leadershipLost()
    }
}
