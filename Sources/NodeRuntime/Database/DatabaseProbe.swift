import Dispatch
import EventLoop
import Failover
import Glibc
import MariaDBConnector

/// Asks the database again and again whether it is there, over a connection that nothing else uses, and looks at the room on its disk.
@LoopActor final class DatabaseProbe {
    private static let queue = DispatchQueue(label: "ddbnode.disk-room")

    private let loop: EventLoop
    private let connection: ControlConnection
    private let paths: [String]
    private var fitness: DatabaseFitness
    private var timer: TimerID?
    private var isUp = false
    private var isAnswered = true
    private var isLooking = false
    private var freeBytes: UInt64?

    /// Called every half second while the database is up, after the look.
    var looked: (@LoopActor () -> Void)?

    /// - Parameter paths: directories whose disks the database writes to; those that don't exist are left out.
    init(_ loop: EventLoop, paths: [String], silentAfterMs: Int?) {
        self.loop = loop
        self.paths = paths
        connection = ControlConnection(loop)
        fitness = DatabaseFitness(silentAfterMs: silentAfterMs)
    }

    var silentAfterMs: Int? {
        get { fitness.silentAfterMs }
        set { fitness.silentAfterMs = newValue }
    }

    /// What is wrong with a database that is up; nil: nothing.
    var trouble: DatabaseFitness.Trouble? { isUp ? fitness.trouble : nil }

    /// Follows the database; nil: it is down.
    func use(_ target: DatabaseTarget?) {
        isUp = target != nil
        isAnswered = true
        fitness = DatabaseFitness(silentAfterMs: fitness.silentAfterMs)
        connection.use(target)
        loop.cancel(timer)
        if isUp { tickLater() }
    }

    private func tickLater() { timer = loop.after(milliseconds: DatabaseFitness.tickMs) { [weak self] in self?.tick() } }

    private func tick() {
        fitness.ticked(isAnswered: isAnswered, freeBytes: freeBytes)
        ask()
        look()
        looked?()
        if isUp { tickLater() }
    }

    private func ask() {
        guard isUp, isAnswered else { return }
        isAnswered = false
        connection.query("DO 0") { [weak self] _ in self?.isAnswered = true }
    }

    /// A file system can be slow to tell, too.
    private func look() {
        guard !isLooking else { return }
        isLooking = true
        let (loop, paths) = (loop, paths)
        Self.queue.async {
            let free = paths.compactMap(Self.freeBytes).min()
            loop.post { [weak self] in
                self?.isLooking = false
                self?.freeBytes = free
            }
        }
    }

    private nonisolated static func freeBytes(_ path: String) -> UInt64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }
}

extension DatabaseFitness.Trouble {
    var words: String {
        switch self {
        case .silent(let ms): "the database has not answered for \(ms / 1000) s, though its process is there"
        case .full(let bytes): "the disk of the database is full (\(bytes >> 10) KiB left); make room on it"
        }
    }

    /// As a slave tells its state.
    var stateWord: String {
        switch self {
        case .silent: "database-silent"
        case .full: "disk-full"
        }
    }
}
