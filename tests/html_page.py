"""What an HTML page holds, for tests."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "col", "input", "link", "hr"}


class Page(HTMLParser):
    """Tags with their attributes in the order of the page, and the text of each table."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.cells = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("th", "td"):
            self.cells.append(data.strip())

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]
