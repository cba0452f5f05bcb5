import ClusterModel
import EventLoop
import Failover
import Glibc
import TestSupport
import Testing

@testable import NodeRuntime

/// Bits flipped and tails cut in the small files of a node's own: an error that names the file and the way out, never another value.
@Suite struct NodeFilesDamageTests {
    /// Each file that damage could leave: one bit another in each byte, and each length.
    private static func damaged(_ whole: [UInt8]) -> [(String, [UInt8])] {
        whole.indices.flatMap { at -> [(String, [UInt8])] in
            let flipped = (0..<8).map { bit in ("bit \(bit) of byte \(at)", whole.enumerated().map { $0 == at ? $1 ^ 1 << bit : $1 }) }
            return flipped + [("cut to \(at) bytes", Array(whole[..<at]))]
        }
    }

    @LoopActor private static func open(_ path: String) throws -> NodeDirectory.State {
        try #require(try NodeDirectory.stored(in: path)).0
    }

    private static let state = """
        uuid=0123456789abcdef
        role=slave
        cluster=c
        id=2
        boot=some
        doubt=0-1-4
        epoch=7
        vote=3
        wrote=yes
        ahead=yes
        unsettled=0-1-5
        mark=yes
        listed=yes
        insync=7.3:1,2

        """

    @Test func `no damage of node.state is taken for a state`() async throws {
        let folder = try TestDirectory()
        let path = folder.path + "/node.state"
        try TextFile.replaceChecked(path, with: Self.state)
        let whole = File.read(path)
        try await onLoop { _ in
            let state = try Self.open(folder.path)
            #expect(state.text == Self.state)
            for (what, bytes) in Self.damaged(whole) {
                File.write(bytes, to: path)
                let error = #expect(throws: NodeDirectory.Problem.self, "\(what)") { try Self.open(folder.path) }
                guard case .unreadable(let named, _)? = error else {
                    Issue.record("\(what): \(error.map { "\($0)" } ?? "-")")
                    continue
                }
                #expect(named == path && error?.description.contains(".remove") == true)
            }
        }
    }

    @Test func `an earlier version's node.state is read, but nothing in it that makes no sense`() async throws {
        let folder = try TestDirectory()
        let path = folder.path + "/node.state"
        try TextFile.replace(path, with: Self.state)
        try await onLoop { _ in
            #expect(try Self.open(folder.path).text == Self.state)
            for line in ["id=x", "epoch=-1", "vote=0-", "wrote=no", "ahead=YES", "unsettled=0-1", "doubt=1", "insync=7", "id=2\nid=3", "nothing"] {
                try TextFile.replace(path, with: "uuid=a\nrole=slave\ncluster=c\n\(line)\n")
                #expect(throws: NodeDirectory.Problem.self, "\(line)") { try Self.open(folder.path) }
            }
            try TextFile.replace(path, with: "uuid=a\nrole=slave\ncluster=c\nepoch=1")
            #expect(throws: NodeDirectory.Problem.self, "cut within its last line") { try Self.open(folder.path) }
            try TextFile.replace(path, with: Self.state)
            #expect(try NodeDirectory.open(folder.path, role: .slave, id: nil, cluster: "c").state.text == Self.state)
            #expect(String(decoding: File.read(path), as: UTF8.self).hasPrefix("checked "), "it is written with a checksum at once")
            try TextFile.replace(path, with: "uuid=a\nrole=slave\ncluster=c\nof-a-later-version=1\n")
            #expect(try Self.open(folder.path).uuid == "a")
        }
    }

    @Test(arguments: ["members", "journal", "journal.mark"]) func `a node.state that is gone from a folder in use is missed`(left: String)
        async throws
    {
        let folder = try TestDirectory()
        try TextFile.replace("\(folder.path)/\(left)", with: "")
        try await onLoop { _ in
            let error = #expect(throws: NodeDirectory.Problem.self) { try Self.open(folder.path) }
            #expect(error?.description.contains("it is gone, while \(folder.path)/\(left) is there") == true)
        }
    }

    @Test func `no damage of the list of members is taken for a list, nor for none`() throws {
        let folder = try TestDirectory()
        let path = folder.path + "/members"
        let own = NodeIdentity(id: NodeID(rawValue: 1), uuid: "m", isWitness: false)
        try TextFile.replaceChecked(path, with: "stamp 1.2\nm 1 h:1 voter\nb 2 h:2 voter\nx 3 h:3 removed\n")
        let whole = File.read(path)
        #expect(try Membership(path: path, own: own, isExpected: true).configuration.members.count == 2)
        for (what, bytes) in Self.damaged(whole) {
            File.write(bytes, to: path)
            let error = #expect(throws: StoredProblem.self, "\(what)") { try Membership(path: path, own: own, isExpected: true) }
            #expect(error?.description.contains(path) == true)
        }
        unlink(path)
        let error = #expect(throws: StoredProblem.self) { try Membership(path: path, own: own, isExpected: true) }
        #expect(error?.description.contains("is damaged: it is gone.") == true && error?.description.contains("Copy the file from") == true)
        #expect(try !Membership(path: path, own: own).configuration.isKnown, "a new node has none")
        try TextFile.replace(path + ".wrong", with: "")
        #expect(try !Membership(path: path, own: own, isExpected: true).configuration.isKnown, "an operator took it away")
    }

    @Test func `a file beyond the limit is an error, not cut`() throws {
        let folder = try TestDirectory()
        let path = folder.path + "/large"
        File.write([UInt8](repeating: 0x61, count: TextFile.bytesMax + 1), to: path)
        let error = #expect(throws: SystemError.self) { try TextFile.read(path) }
        #expect(error?.code == EFBIG)
        File.write([UInt8](repeating: 0x61, count: TextFile.bytesMax), to: path)
        #expect(try TextFile.read(path)?.utf8.count == TextFile.bytesMax)
    }
}
