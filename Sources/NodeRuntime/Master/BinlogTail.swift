import BinlogFormat
import CSystem
import ClusterModel
import Digests
import EventLoop
import Glibc
import Replication

/// The end of the file that the node's own database writes its binlog to: transactions that are written and not yet synced.
///
/// The database sends a transaction only once it has synced it. Read here, it comes to the slaves meanwhile, and the disks of all sync it at the same
/// time. What is read here is in no way durable, nor does it count as this node's before the database sends it.
@LoopActor final class BinlogTail: Watcher {
    /// So far it reads ahead of what the database has sent; what is larger comes from there.
    private static let aheadBytesMax = 256 << 10

    private let loop: EventLoop
    private let directory: String
    private let grew: @LoopActor () -> Void
    private let notify: Int32
    private var watched: WatchID?
    private var isClosed = false
    private var file: [UInt8] = []
    private var descriptor: Int32 = -1
    private var fileWatch: Int32 = -1
    /// Where the next transaction begins.
    private var offset: UInt64 = 0
    /// The database has sent all up to there.
    private var sent: UInt64 = 0
    private var buffer: [UInt8] = []
    /// The next transaction does not fit before `sent` moves.
    private var isFull = false

    /// `grew` is called when there may be more.
    init(_ loop: EventLoop, directory: String, grew: @escaping @LoopActor () -> Void) throws(SystemError) {
        self.loop = loop
        self.directory = directory
        self.grew = grew
        notify = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard notify >= 0 else { throw SystemError("inotify_init1") }
        do throws(SystemError) { watched = try loop.watch(notify, for: .readable, self) } catch {
            Glibc.close(notify)
            throw error
        }
    }

    /// The database has sent all up to `place`. `isAll`: nothing behind that was read here, so it goes on from there.
    func sent(upTo place: BinlogPlace, isAll: Bool) {
        if place.file == file, sent < place.offset { (sent, isFull) = (place.offset, false) }
        guard isAll, !isClosed else { return }
        if place.file != file { open(place.file) }
        (offset, sent, isFull) = (place.offset, place.offset, false)
    }

    /// Reads nothing more before it is told where to go on.
    func leave() {
        if fileWatch >= 0 { inotify_rm_watch(notify, fileWatch) }
        if descriptor >= 0 { Glibc.close(descriptor) }
        (fileWatch, descriptor, file) = (-1, -1, [])
    }

    private func open(_ name: [UInt8]) {
        leave()
        file = name
        let path = "\(directory)/\(String(decoding: name, as: UTF8.self))"
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fileWatch = inotify_add_watch(notify, path, UInt32(IN_MODIFY))
    }

    /// The transactions that came to be whole since the last call, each as its events; none where something is to be waited for.
    func read(_ take: (GTID, UnsafeRawBufferPointer) -> Void) {
        let end = sent + UInt64(Self.aheadBytesMax)
        guard descriptor >= 0, !isClosed, !isFull, offset < end else { return }
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.aheadBytesMax) }
        let room = min(buffer.count, Int(end - offset))
        buffer.withUnsafeMutableBytes { bytes in
            let count = ddb_read_cached(descriptor, bytes.baseAddress, room, off_t(offset))
            guard count > 0 else { return }
            let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            do throws(BinlogError) {
                let whole = try WholeGroups(piece, Digests.crc32)
                for group in whole.groups { take(group.gtid, UnsafeRawBufferPointer(rebasing: piece[group.range])) }
                offset += UInt64(whole.end)
                isFull = whole.end == 0 && count == room
            } catch {
                // Encrypted, or of a kind that only the database reads: it is the same to the file's end.
                let file = file
                leave()
                self.file = file
            }
        }
    }

    func became(_ ready: Readiness) {
        // What it says is known: there is one file.
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { _ = Glibc.read(notify, $0.baseAddress, $0.count) }
        if !isClosed { grew() }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        leave()
        if let watched { loop.unwatch(watched, notify) }
        Glibc.close(notify)
    }
}
