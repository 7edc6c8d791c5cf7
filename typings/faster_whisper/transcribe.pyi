from . import Segment as Segment
