import unittest

from licenses import CRATES_IO, LicenceError, allowed, check_packages, check_reasons


def package(name="a", licence="MIT", source=CRATES_IO):
    return {"id": f"{name} 1.0.0", "name": name, "version": "1.0.0", "license": licence, "source": source}


def metadata(*packages, members=()):
    return {"workspace_members": list(members), "packages": list(packages)}


class Expressions(unittest.TestCase):
    def test_one_licence(self):
        self.assertTrue(allowed("MIT"))
        self.assertFalse(allowed("GPL-3.0-only"))

    def test_one_alternative_is_enough(self):
        self.assertTrue(allowed("GPL-2.0 OR MIT"))
        self.assertTrue(allowed("Unlicense OR MIT"))
        self.assertFalse(allowed("GPL-2.0 OR MPL-2.0"))

    def test_every_part_must_be_allowed(self):
        self.assertTrue(allowed("Apache-2.0 AND ISC"))
        self.assertFalse(allowed("ISC AND OpenSSL"))

    def test_and_binds_tighter_than_or(self):
        self.assertTrue(allowed("MIT OR Apache-2.0 AND GPL-3.0-only"))
        self.assertFalse(allowed("(MIT OR Apache-2.0) AND GPL-3.0-only"))
        self.assertTrue(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"))

    def test_an_exception_needs_an_allowed_licence(self):
        self.assertTrue(allowed("Apache-2.0 WITH LLVM-exception"))
        self.assertTrue(allowed("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only"))
        self.assertFalse(allowed("GPL-2.0 WITH LLVM-exception"))
        self.assertFalse(allowed("Apache-2.0 WITH Some-exception"))

    def test_the_old_slash_means_or(self):
        self.assertTrue(allowed("MIT/Apache-2.0"))
        self.assertTrue(allowed("GPL-2.0 / MIT"))

    def test_what_cannot_be_read_is_an_error(self):
        for text in ["", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "AND MIT", "MIT WITH"]:
            with self.subTest(text=text), self.assertRaises(LicenceError):
                allowed(text)


class Packages(unittest.TestCase):
    def test_good_ones_pass(self):
        own = package("own", "Apache-2.0", None)
        self.assertEqual(check_packages(metadata(own, package(), members=["own 1.0.0"])), [])

    def test_a_missing_licence_fails(self):
        self.assertEqual(check_packages(metadata(package(licence=None))), ["a 1.0.0: no licence expression"])

    def test_an_unreadable_licence_fails(self):
        self.assertEqual(len(check_packages(metadata(package(licence="MIT OR")))), 1)

    def test_an_unknown_licence_fails(self):
        self.assertEqual(
            check_packages(metadata(package(licence="Custom"))), ["a 1.0.0: Custom is not on the allow-list"]
        )

    def test_git_fails(self):
        (problem,) = check_packages(metadata(package(source="git+https://example.org/a#1234")))
        self.assertIn("not from crates.io", problem)

    def test_a_path_outside_the_workspace_fails(self):
        (problem,) = check_packages(metadata(package(source=None)))
        self.assertIn("outside the workspace", problem)


class Reasons(unittest.TestCase):
    def test_a_dependency_without_a_comment_fails(self):
        manifest = '[workspace.dependencies]\nown = { path = "x" }\n\na = "1" # because\nb = "2"\nc = "3" #\n[profile.dev]\nd = 1\n'
        self.assertEqual(
            check_reasons(manifest),
            ["Cargo.toml:5: b does not say what it is for", "Cargo.toml:6: c does not say what it is for"],
        )


if __name__ == "__main__":
    unittest.main()
