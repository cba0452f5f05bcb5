import ClusterModel
import EventLoop
import Failover
import Glibc
import TestSupport
import Testing

@testable import NodeRuntime

@Suite struct MembershipTests {
    private let own = NodeIdentity(id: NodeID(rawValue: 1), uuid: "m", isWitness: false)

    private func write(_ text: String, in directory: TestDirectory) throws -> String {
        let path = directory.path + "/members"
        try TextFile.replace(path, with: text)
        return path
    }

    @Test(arguments: [
        ("stamp 1.3\na 1 h:1 voter\nb 2 h:2 voter\n", "id 1 is this node's"), ("stamp 1.3\na 2 h:1 voter\n", "this node is not in it"),
        ("stamp 1.3\nm 1 h:1 voter\na 1 h:2 voter\n", "two nodes of id 1"),
        ("stamp 1.3\nm 1 h:1 learner\n", "none of its nodes holds data and votes"),
        ("stamp 1.3\nm 2 h:1 voter\n", "this node is in the list as node 2"), ("\u{0}\u{1}\u{2}\n", "not a list of members"),
        ("m one h:1\n", "not a list"),
    ]) func `a wrong list on the disk is an error that names the file, what is wrong and where the way out is told`(text: String, words: String)
        throws
    {
        let directory = try TestDirectory()
        let path = try write(text, in: directory)
        do {
            _ = try Membership(path: path, own: own)
            Issue.record("taken")
        } catch {
            #expect("\(error)".contains(path) && "\(error)".contains(words) && "\(error)".contains("Docs/Operations.md"), "\(error)")
            #expect(!error.isSystem)
        }
    }

    @Test func `another node's list is taken where it is newer and makes sense, and a wrong one is told of once`() throws {
        let directory = try TestDirectory()
        var membership = try Membership(path: try write("stamp 1.2\nm 1 h:1 voter\n", in: directory), own: own)
        #expect(membership.offered("stamp 1.2\nm 1 h:9 voter\n", to: own) == .known)
        guard case .newer(let list) = membership.offered("stamp 1.3\nm 1 h:1 voter\nb 2 h:2 learner\n", to: own) else {
            Issue.record("not taken")
            return
        }
        try membership.install(list)
        #expect(try Membership(path: directory.path + "/members", own: own).list == list)
        let wrong = "stamp 1.4\nb 1 h:2 voter\n"
        #expect(membership.offered(wrong, to: own) == .refused(.fault(.ownIDOfAnother(try #require(own.id), uuid: "b", address: "h:2"))))
        #expect(membership.offered(wrong, to: own) == .known)
        #expect(membership.offered("nonsense here\n", to: own) == .refused(.unreadable))
        #expect(membership.list == list)
    }
}
